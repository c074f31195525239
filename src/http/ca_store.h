// Where the system keeps the CA certificates that it trusts.
#pragma once

#include <string>

namespace shim::http {

// One of the two is empty.
struct CaStore {
  std::string file;       // one bundle; parsed whole: 140 certificates, some MiB
  std::string directory;  // named by hash: only the certificate that is needed is read
};

// `SSL_CERT_FILE`, `SSL_CERT_DIR`, else the hashed directory, else the bundle. Looked for once, when first asked.
const CaStore& system_ca_store();

}  // namespace shim::http
