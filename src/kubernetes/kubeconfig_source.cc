#include "kubernetes/kubeconfig_source.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/text.h"
#include "credentials/cached_file.h"
#include "http/url.h"

namespace shim::kubernetes {
namespace {

constexpr std::size_t kMaxFiles = 64;  // of $KUBECONFIG

std::string absolute(const std::string& path) {
  std::error_code error;
  const std::filesystem::path whole = std::filesystem::absolute(path, error);
  return error ? path : whole.lexically_normal().string();
}

Expected<bool> exists(const std::string& path) {
  const auto stamp = credentials::stamp_of(path);
  if (!stamp) return std::unexpected(stamp.error());
  return stamp->has_value();
}

// The parts between colons, each once; empty ones mean nothing.
std::vector<std::string> paths_of(std::string_view list) {
  std::vector<std::string> paths;
  while (!list.empty() && paths.size() < kMaxFiles) {
    const std::size_t colon = std::min(list.find(':'), list.size());
    std::string path(list.substr(0, colon));
    list.remove_prefix(std::min(colon + 1, list.size()));
    if (path.empty()) continue;
    path = absolute(path);
    if (std::ranges::find(paths, path) == paths.end()) paths.push_back(std::move(path));
  }
  return paths;
}

std::string variable(const Places& places, std::string_view name) {
  return places.environment(name).value_or("");
}

// Nothing where this process is in no pod, or in one that was given no token.
Expected<std::optional<KubeconfigSource>> find_service_account(const Places& places) {
  const std::string host = variable(places, "KUBERNETES_SERVICE_HOST");
  const std::string port = variable(places, "KUBERNETES_SERVICE_PORT");
  if (host.empty() || port.empty()) return std::nullopt;
  const auto has_token = exists(places.service_account + "/token");
  if (!has_token) return std::unexpected(has_token.error());
  if (!*has_token) return std::nullopt;
  const bool is_ipv6 = host.find(':') != std::string::npos && !host.starts_with('[');
  std::string server = fmt::format("https://{}:{}", is_ipv6 ? "[" + host + "]" : host, port);
  if (!http::Url::parse(server)) {
    return fail(fmt::format("service account: KUBERNETES_SERVICE_HOST {} and KUBERNETES_SERVICE_PORT {} are no address",
                            in_quotes(host), in_quotes(port)));
  }
  return KubeconfigSource{.service_account = places.service_account, .server = std::move(server)};
}

std::string home_of(const Places& places) {
  std::string home = variable(places, "HOME");
  return home.empty() ? "/root" : home;
}

}  // namespace

std::string KubeconfigSource::name() const {
  return service_account.empty() ? printable(fmt::format("{}", fmt::join(files, ":")), 512)
                                 : fmt::format("service account {}", printable(service_account, 512));
}

Expected<KubeconfigSource> find_source(const Places& places) {
  if (!places.kubeconfig.empty()) {
    KubeconfigSource source{.files = {absolute(places.kubeconfig)}};
    const auto found = exists(source.files.front());
    if (!found) return std::unexpected(found.error());
    if (*found) return source;
    return fail(fmt::format("configMap.kubeconfig: {} does not exist", source.name()));
  }
  auto service_account = find_service_account(places);
  if (!service_account) return std::unexpected(service_account.error());
  if (*service_account) return std::move(**service_account);

  std::vector<std::string> looked_at = {fmt::format("the service account ({}/token)", places.service_account)};
  const auto first_of = [&](std::vector<std::string> files) -> Expected<std::optional<KubeconfigSource>> {
    for (const std::string& file : files) {
      const auto found = exists(file);
      if (!found) return std::unexpected(found.error());
      if (*found) return KubeconfigSource{.files = std::move(files)};
      looked_at.push_back(file);
    }
    return std::nullopt;
  };
  std::vector<std::vector<std::string>> candidates = {paths_of(variable(places, "KUBECONFIG"))};
  for (const std::string& file : places.files) candidates.push_back({absolute(file)});
  candidates.push_back({absolute(home_of(places) + "/.kube/config")});
  for (std::vector<std::string>& files : candidates) {
    auto source = first_of(std::move(files));
    if (!source) return std::unexpected(source.error());
    if (*source) return std::move(**source);
  }
  return fail(fmt::format("no kubeconfig: looked for {}; name one in configMap.kubeconfig",
                          printable(fmt::format("{}", fmt::join(looked_at, ", ")), 2048)));
}

}  // namespace shim::kubernetes
