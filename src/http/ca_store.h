// Where the system keeps the CA certificates that it trusts.
#pragma once

#include <string>

namespace shim::http {

struct CaStore {
  std::string file;       // a bundle, parsed whole; empty: none
  std::string directory;  // files named by hash, of which only the one that is needed is read; empty: none
};

// `SSL_CERT_FILE` and `SSL_CERT_DIR`, as the runtime (Go) reads them, else the hashed directory, else the bundle.
// Looked for once, when first asked.
const CaStore& system_ca_store();

}  // namespace shim::http
