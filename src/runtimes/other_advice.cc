#include "runtimes/other_advice.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <system_error>
#include <vector>

#include "base/atomic_file.h"
#include "runtimes/toml.h"

namespace shim::runtimes {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::size_t kMostFileBytes = 1024 * 1024;
constexpr std::size_t kMostFiles = 256;

bool is_plain(const Registry& registry) {
  return !registry.address.is_secure();
}

// Both take plain http and a certificate that cannot be verified for one thing.
bool needs_insecure(const Registry& registry) {
  return is_plain(registry) || (registry.tls.insecure_skip_verify && !registry.is_trusted_without.value_or(false));
}

std::vector<std::string> files_in(const std::string& folder, std::string_view extension) {
  std::vector<std::string> files;
  std::error_code error;
  std::size_t seen = 0;
  for (fs::directory_iterator file(folder, error), end; !error && file != end && ++seen <= kMostFiles;
       file.increment(error)) {
    if (file->path().extension() == extension) files.push_back(file->path().string());
  }
  std::ranges::sort(files);
  return files;
}

// The certificates of the registry below `folder`, in the layout that Docker and CRI-O have in common.
Advice advise_certificates(const Registry& registry, std::string_view runtime, const std::string& folder) {
  const http::TlsOptions& tls = registry.tls;
  const std::string place = folder + "/" + registry.address.host();
  std::string hint;
  if (!tls.ca.empty() && !registry.is_trusted_without.value_or(false) && files_in(place, ".crt").empty()) {
    hint += fmt::format("install -D -m 644 {} {}/ca.crt\n", tls.ca, place);
  }
  if (!tls.cert.empty() && files_in(place, ".cert").empty()) {
    hint += fmt::format("install -D -m 644 {} {}/client.cert\n", tls.cert, place);
    hint += fmt::format("install -D -m 600 {} {}/client.key\n", tls.key.empty() ? tls.cert : tls.key, place);
  }
  if (hint.empty()) return {};
  return {Advice::Kind::unsure, fmt::format("{} lacks its certificates: {} has none", runtime, place), hint};
}

// Whether a [[registry]] of this file lets the host be spoken to without TLS.
bool allows_insecure(const std::string& file, const std::string& host) {
  const auto text = read_file(file, kMostFileBytes);
  const auto root = text ? parse_toml(*text) : Expected<toml::table>(toml::table());
  if (!root) return false;
  const toml::array* registries = root->get("registry") != nullptr ? root->get("registry")->as_array() : nullptr;
  if (registries == nullptr) return false;
  return std::ranges::any_of(*registries, [&](const toml::node& node) {
    const toml::table* table = node.as_table();
    if (table == nullptr || !is_true_at(*table, "insecure")) return false;
    return text_at(*table, "location") == host || text_at(*table, "prefix") == host;
  });
}

bool allows_insecure(const json& daemon, const std::string& host) {
  const auto list = daemon.is_object() ? daemon.find("insecure-registries") : daemon.end();
  return daemon.is_object() && list != daemon.end() && list->is_array() &&
         std::ranges::find(*list, json(host)) != list->end();
}

}  // namespace

Advice advise_cri_o(const Registry& registry, const CriOPlaces& places) {
  const std::string& host = registry.address.host();
  if (needs_insecure(registry)) {
    std::vector<std::string> files = files_in(places.drop_ins, ".conf");
    files.push_back(places.registries);
    if (std::ranges::any_of(files, [&](const std::string& file) { return allows_insecure(file, host); })) return {};
    return {Advice::Kind::unsure,
            fmt::format("CRI-O wants verified TLS of it: neither {} nor {} has it as insecure", places.registries,
                        places.drop_ins),
            fmt::format("write {}/50-{}.conf:\n  [[registry]]\n  location = {}\n  insecure = true\n"
                        "then: systemctl reload crio",
                        places.drop_ins, host, toml_string(host))};
  }
  return advise_certificates(registry, "CRI-O", places.certificates);
}

Advice advise_docker(const Registry& registry, const DockerPlaces& places) {
  const std::string& host = registry.address.host();
  // Docker takes 127.0.0.0/8 for insecure without being told.
  if (needs_insecure(registry) && !registry.address.is_loopback()) {
    const auto text = read_file(places.daemon, kMostFileBytes);
    if (allows_insecure(text ? json::parse(*text, nullptr, false) : json(), host)) return {};
    return {Advice::Kind::unsure,
            fmt::format("Docker wants verified TLS of it: {} does not have it in insecure-registries", places.daemon),
            fmt::format("set in {}:\n  {{\"insecure-registries\": [\"{}\"]}}\nthen: systemctl restart docker",
                        places.daemon, host)};
  }
  return advise_certificates(registry, "Docker", places.certificates);
}

}  // namespace shim::runtimes
