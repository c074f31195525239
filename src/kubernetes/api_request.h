// The two requests that an API server gets from us. Pure.
#pragma once

#include <chrono>
#include <string>

#include "http/client.h"
#include "kubernetes/access.h"
#include "kubernetes/api_object.h"

namespace shim::kubernetes {

// The ConfigMap as it is now.
http::Request get_request(const Login& login, const ConfigMapKey& wanted);

// Its changes from `resource_version` on, of which it is the only one; empty: what is there, then its changes. The
// server ends the watch after `time`.
http::Request watch_request(const Login& login, const ConfigMapKey& wanted, const std::string& resource_version,
                            std::chrono::seconds time);

}  // namespace shim::kubernetes
