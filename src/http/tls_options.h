// How TLS to one host is verified and with which client certificate. File paths are PEM files, read when first used.
#pragma once

#include <string>

namespace shim::http {

struct TlsOptions {
  std::string ca{};    // file with the CA certificates to trust instead of the system's; empty: the system's
  std::string cert{};  // client certificate file; empty: none
  std::string key{};   // its private key file
  bool insecure_skip_verify = false;

  friend bool operator==(const TlsOptions&, const TlsOptions&) = default;
};

}  // namespace shim::http
