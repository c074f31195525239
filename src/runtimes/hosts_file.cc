#include "runtimes/hosts_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "runtimes/toml.h"

namespace shim::runtimes {
namespace {

constexpr std::string_view kFileName = "hosts.toml";

std::string absolute(const std::string& path, const std::string& folder) {
  return (std::filesystem::path(folder) / path).string();
}

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c; });
  return text;
}

// Without any, all of them.
Expected<bool> can_pull(const toml::table& table) {
  const std::vector<std::string> capabilities = texts_at(table, "capabilities");
  if (capabilities.empty()) return true;
  bool pulls = false;
  bool resolves = false;
  for (const std::string& written : capabilities) {
    const std::string capability = lower(written);
    constexpr std::array<std::string_view, 2> kOthers{"push", "referrers"};
    if (capability == "pull") {
      pulls = true;
    } else if (capability == "resolve") {
      resolves = true;
    } else if (std::ranges::find(kOthers, capability) == kOthers.end()) {
      return fail(fmt::format("unknown capability {}", toml_string(written)));
    }
  }
  return pulls && resolves;
}

// A file, files, or pairs of files.
std::vector<std::pair<std::string, std::string>> clients_of(const toml::table& table, const std::string& folder) {
  std::vector<std::pair<std::string, std::string>> clients;
  for (const std::string& file : texts_at(table, "client")) clients.emplace_back(absolute(file, folder), "");
  const toml::array* array = table["client"].as_array();
  if (array == nullptr) return clients;
  for (const toml::node& node : *array) {
    const toml::array* pair = node.as_array();
    if (pair == nullptr || pair->size() != 2) continue;
    clients.emplace_back(absolute((*pair)[0].value_or(std::string()), folder),
                         absolute((*pair)[1].value_or(std::string()), folder));
  }
  return clients;
}

void set_url(Endpoint& endpoint, std::string_view url) {
  constexpr std::string_view kHttp = "http://";
  constexpr std::string_view kHttps = "https://";
  if (url.starts_with(kHttp)) {
    endpoint.is_secure = false;
    url.remove_prefix(kHttp.size());
  } else if (url.starts_with(kHttps)) {
    url.remove_prefix(kHttps.size());
  }
  endpoint.host = url.substr(0, url.find('/'));
}

// containerd 2 tries https first where TLS is set for a host that is written with http.
bool is_ambiguous(const Endpoint& endpoint, Release release) {
  const bool has_tls = !endpoint.ca.empty() || !endpoint.clients.empty() || endpoint.skips_verification;
  return release.major >= 2 && !endpoint.is_secure && has_tls && !endpoint.host.ends_with(":80");
}

Expected<Endpoint> read_endpoint(const toml::table& table, std::string_view url, const std::string& folder,
                                 Release release) {
  const auto pulls = can_pull(table);
  if (!pulls) return std::unexpected(pulls.error());
  Endpoint endpoint;
  set_url(endpoint, url);
  endpoint.can_pull = *pulls;
  for (const std::string& file : texts_at(table, "ca")) endpoint.ca.push_back(absolute(file, folder));
  endpoint.clients = clients_of(table, folder);
  endpoint.skips_verification = is_true_at(table, "skip_verify");
  endpoint.tries_both = is_ambiguous(endpoint, release);
  return endpoint;
}

struct WrittenHost {
  toml::source_position place;
  std::string url;
  const toml::table* table;
};

// In the order of the file, which containerd keeps.
std::vector<WrittenHost> hosts_in_order(const toml::table& root) {
  std::vector<WrittenHost> hosts;
  for (const auto& [url, node] : table_at(root, {"host"})) {
    if (const toml::table* table = node.as_table()) {
      hosts.push_back({table->source().begin, std::string(url.str()), table});
    }
  }
  std::ranges::sort(hosts, [](const WrittenHost& a, const WrittenHost& b) { return a.place < b.place; });
  return hosts;
}

}  // namespace

Expected<std::vector<Endpoint>> read_hosts_file(std::string_view text, const std::string& folder, Release release) {
  const auto root = parse_toml(text);
  if (!root) return fail(fmt::format("{}/{}: {}", folder, kFileName, root.error().message));
  if (release.major < 2 && root->get("host") == nullptr) {
    return fail(fmt::format("{}/{}: containerd 1 does not use it without a table [host.\"…\"]", folder, kFileName));
  }
  std::vector<Endpoint> endpoints;
  for (const WrittenHost& host : hosts_in_order(*root)) {
    auto endpoint = read_endpoint(*host.table, host.url, folder, release);
    if (!endpoint) return fail(fmt::format("{}/{}: {}", folder, kFileName, endpoint.error().message));
    endpoints.push_back(std::move(*endpoint));
  }
  auto server = read_endpoint(*root, text_at(*root, "server"), folder, release);
  if (!server) return fail(fmt::format("{}/{}: {}", folder, kFileName, server.error().message));
  endpoints.push_back(std::move(*server));
  return endpoints;
}

std::string hosts_file_of(const Endpoint& endpoint) {
  const std::string url = toml_string(endpoint.url());
  std::string text = fmt::format("server = {}\n\n[host.{}]\n  capabilities = [\"pull\", \"resolve\"]\n", url, url);
  if (!endpoint.ca.empty()) text += fmt::format("  ca = {}\n", toml_string(endpoint.ca.front()));
  if (!endpoint.clients.empty()) {
    const auto& [certificate, key] = endpoint.clients.front();
    text += fmt::format("  client = [[{}, {}]]\n", toml_string(certificate), toml_string(key));
  }
  if (endpoint.skips_verification) text += "  skip_verify = true\n";
  return text;
}

std::string Endpoint::url() const {
  return fmt::format("{}://{}", is_secure ? "https" : "http", host);
}

}  // namespace shim::runtimes
