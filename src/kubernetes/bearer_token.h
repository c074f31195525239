// A bearer token as text from a file, a kubeconfig or a program. Pure.
#pragma once

#include <string_view>

#include "base/error.h"
#include "base/secret.h"

namespace shim::kubernetes {

// `text` without the white space around it. Errors, to be read after what it is: `is empty`; it holds what no header
// field may.
Expected<Secret> bearer_token(std::string_view text);

// The value of an `Authorization` field (RFC 6750). REQUIRES: token is from bearer_token().
Secret bearer_authorization(const Secret& token);

}  // namespace shim::kubernetes
