// Where the system keeps the CA certificates that it trusts.
#pragma once

#include <string>

namespace shim::http {

struct CaStore {
  std::string file;       // a bundle, parsed whole; empty: none
  std::string directory;  // files named by hash, of which only the one that is needed is read; empty: none
};

// Where the distribution whose files are below `root` ("" for this machine's) keeps them: Debian's hashed directory
// alone, which costs no parsing, else the first bundle that is there. Where there is none: Debian's, which then is
// named in the error.
CaStore ca_store_below(const std::string& root);

// `SSL_CERT_FILE` and `SSL_CERT_DIR`, as the runtime (Go) reads them, else the distribution's. Looked for once, when
// first asked.
const CaStore& system_ca_store();

}  // namespace shim::http
