#include "http/ca_store.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <string_view>
#include <system_error>

namespace shim::http {
namespace {

constexpr const char* kDirectory = "/etc/ssl/certs";
// As Go's crypto/x509 looks for it, and so the runtime. libcurl's own default is that of where it was built.
constexpr auto kBundles = std::to_array<const char*>({
    "/etc/ssl/certs/ca-certificates.crt",                 // Debian, Ubuntu, Arch
    "/etc/pki/tls/certs/ca-bundle.crt",                   // Fedora, RHEL, CentOS
    "/etc/ssl/ca-bundle.pem",                             // SUSE
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",  // Fedora, RHEL from 7 on
    "/etc/ssl/cert.pem",                                  // Alpine
});

// `5ad8a5d6.0`: the name that OpenSSL looks up by the hash of the subject.
bool is_hashed_name(std::string_view name) {
  auto is_hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  return name.size() >= 10 && name[8] == '.' && std::ranges::all_of(name.substr(0, 8), is_hex);
}

bool has_hashed_names(std::string_view directory) {
  std::error_code error;
  for (std::filesystem::directory_iterator at(directory, error), end; !error && at != end; at.increment(error)) {
    if (is_hashed_name(at->path().filename().native())) return true;
  }
  return false;
}

CaStore find_ca_store() {
  const char* file = std::getenv("SSL_CERT_FILE");
  const char* directory = std::getenv("SSL_CERT_DIR");
  if (file || directory) return {.file = file ? file : "", .directory = directory ? directory : ""};
  return ca_store_below("");
}

}  // namespace

CaStore ca_store_below(const std::string& root) {
  const auto bundle = std::ranges::find_if(kBundles, [&](const char* path) {
    std::error_code error;
    return std::filesystem::exists(root + path, error);
  });
  CaStore store;
  if (has_hashed_names(root + kDirectory)) store.directory = root + kDirectory;
  // Debian's two hold the same. Elsewhere the directory may hold no more than what an administrator has put there.
  const bool is_same = !store.directory.empty() && (bundle == kBundles.end() || bundle == kBundles.begin());
  if (!is_same) store.file = root + (bundle == kBundles.end() ? kBundles.front() : *bundle);
  return store;
}

const CaStore& system_ca_store() {
  static const CaStore store = find_ca_store();
  return store;
}

}  // namespace shim::http
