#include "http/ca_store.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string_view>
#include <system_error>

namespace shim::http {
namespace {

constexpr std::string_view kDirectory = "/etc/ssl/certs";
constexpr std::string_view kBundle = "/etc/ssl/certs/ca-certificates.crt";

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
  if (has_hashed_names(kDirectory)) return {.file = {}, .directory = std::string(kDirectory)};
  return {.file = std::string(kBundle), .directory = {}};
}

}  // namespace

const CaStore& system_ca_store() {
  static const CaStore store = find_ca_store();
  return store;
}

}  // namespace shim::http
