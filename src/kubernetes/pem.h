// The blocks of PEM files (RFC 7468) that TLS needs. Pure.
//
// One file may hold both, as the kubelet's client-current.pem does: what is taken out goes only where it belongs.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "base/secret.h"

namespace shim::kubernetes {

// All certificates, in their order, and nothing else.
// Errors, to be read after what it is: there is none; one has no end.
Expected<std::string> certificates_of(std::string_view pem);

// The first private key.
// Errors, to be read after what it is: there is none; it has no end; it is encrypted.
Expected<Secret> private_key_of(std::string_view pem);

}  // namespace shim::kubernetes
