// How TLS to one host is verified and with which client certificate. File paths are PEM files, read when first used; a
// caller that has read them itself gives their content, which comes before the path.
#pragma once

#include <string>

#include "base/secret.h"

namespace shim::http {

struct TlsOptions {
  std::string ca{};    // file with the CA certificates to trust instead of the system's; empty: the system's
  std::string cert{};  // client certificate file; empty: none
  std::string key{};   // its private key file
  bool insecure_skip_verify = false;
  std::string ca_data{};      // PEM, instead of `ca`
  std::string cert_data{};    // PEM, instead of `cert`
  Secret key_data{};          // PEM, instead of `key`
  std::string server_name{};  // sent as SNI and verified, instead of the URL's host; empty: that host

  friend bool operator==(const TlsOptions&, const TlsOptions&) = default;
};

}  // namespace shim::http
