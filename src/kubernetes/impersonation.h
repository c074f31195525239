// The header fields of a request on behalf of another user (Kubernetes' user impersonation). Pure.
#pragma once

#include "http/headers.h"
#include "kubernetes/kubeconfig.h"

namespace shim::kubernetes {

// None where no user is to be impersonated.
http::Headers impersonation_headers(const Impersonation& impersonation);

}  // namespace shim::kubernetes
