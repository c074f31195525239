#include "runtimes/route.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "base/atomic_file.h"
#include "image/address.h"

namespace shim::runtimes {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostFileBytes = 1024 * 1024;
constexpr std::size_t kMostFiles = 256;  // of a host's folder that are looked at
constexpr std::string_view kDockerHub = "docker.io";
constexpr std::string_view kHubApi = "registry-1.docker.io";

std::string_view port_of(std::string_view host) {
  const auto colon = host.rfind(':');
  const auto bracket = host.rfind(']');
  if (colon == host.npos || (bracket != host.npos && bracket > colon)) return {};
  return host.substr(colon + 1);
}

bool is_loopback(const std::string& host) {
  const auto address = image::Address::parse(host);
  return address && address->is_loopback();
}

// What is asked where nothing is said about a host, or a hosts.toml names no `server`.
Endpoint default_endpoint(const RuntimeSettings& settings, const std::string& host, bool has_folder) {
  Endpoint endpoint;
  endpoint.host = host == kDockerHub ? kHubApi : host;
  if (!is_loopback(host)) return endpoint;
  const std::string_view port = port_of(host);
  if (settings.release.major < 2 || !has_folder) {
    endpoint.is_secure = false;
  } else if (!port.empty() && port != "443") {
    endpoint.is_secure = false;
    endpoint.tries_both = port != "80";
  }
  endpoint.skips_verification = true;
  return endpoint;
}

// Docker's layout: `x.crt` is an authority, `x.cert` with `x.key` a client certificate.
void add_certificates(Endpoint& endpoint, const std::string& folder) {
  std::error_code error;
  std::size_t seen = 0;
  for (fs::directory_iterator file(folder, error), end; !error && file != end && ++seen <= kMostFiles;
       file.increment(error)) {
    const fs::path& path = file->path();
    if (path.extension() == ".crt") endpoint.ca.push_back(path.string());
    if (path.extension() == ".cert") {
      const fs::path key = fs::path(path).replace_extension(".key");
      std::error_code absent;
      endpoint.clients.emplace_back(path.string(), fs::exists(key, absent) ? key.string() : std::string());
    }
  }
  std::ranges::sort(endpoint.ca);
  std::ranges::sort(endpoint.clients);
}

// What a folder says. It is read as containerd does: a file that cannot be used counts as none.
Route route_of_folder(const RuntimeSettings& settings, const std::string& host, const std::string& folder) {
  Route route;
  const std::string file = folder + "/hosts.toml";
  std::error_code error;
  if (fs::exists(file, error) || error) {
    route.source = file;
    const auto text = read_file(file, kMostFileBytes);
    if (!text) {
      route.problem = text.error().message;
    } else if (!text->empty()) {
      auto endpoints = read_hosts_file(*text, folder, settings.release);
      if (endpoints) {
        route.endpoints = std::move(*endpoints);
      } else {
        route.problem = endpoints.error().message;
      }
    }
  }
  if (route.endpoints.empty()) {
    route.endpoints.push_back(default_endpoint(settings, host, true));
    add_certificates(route.endpoints.back(), folder);
  } else if (route.endpoints.back().host.empty()) {
    const Endpoint server = default_endpoint(settings, host, true);
    route.endpoints.back().host = server.host;
    route.endpoints.back().is_secure = server.is_secure;
    route.endpoints.back().tries_both = server.tries_both;
  }
  return route;
}

Route route_of_folders(const RuntimeSettings& settings, const std::string& host) {
  for (const std::string& folder : config_folders(settings)) {
    for (const std::string& candidate : host_folders(folder, host)) {
      std::error_code error;
      const fs::file_status status = fs::status(candidate, error);
      if (status.type() == fs::file_type::not_found) continue;
      if (status.type() == fs::file_type::none) {
        Route route{.source = candidate, .problem = fmt::format("{}: {}", candidate, error.message())};
        route.endpoints.push_back(default_endpoint(settings, host, true));
        return route;
      }
      Route route = route_of_folder(settings, host, candidate);
      if (!candidate.ends_with("/_default")) route.folder = candidate;
      return route;
    }
  }
  Route route;
  route.endpoints.push_back(default_endpoint(settings, host, true));
  return route;
}

Endpoint endpoint_of_mirror(const RuntimeSettings& settings, std::string_view url) {
  constexpr std::string_view kSeparator = "://";
  const auto separator = url.find(kSeparator);
  const std::string_view rest = separator == url.npos ? url : url.substr(separator + kSeparator.size());
  Endpoint endpoint;
  endpoint.host = rest.substr(0, rest.find('/'));
  endpoint.is_secure = separator == url.npos ? !is_loopback(endpoint.host) : url.starts_with("https");
  // containerd 2 has no TLS settings of the old style.
  const auto found = settings.registries->tls.find(endpoint.host);
  if (settings.release.major >= 2 || found == settings.registries->tls.end()) return endpoint;
  const HostTls& tls = found->second;
  if (!tls.ca.empty()) endpoint.ca.push_back(tls.ca);
  if (!tls.cert.empty()) endpoint.clients.emplace_back(tls.cert, tls.key);
  endpoint.skips_verification = tls.skip_verify;
  return endpoint;
}

Route route_of_mirrors(const RuntimeSettings& settings, const std::string& host) {
  const auto& mirrors = settings.registries->mirrors;
  auto found = mirrors.find(host);
  if (found == mirrors.end()) found = mirrors.find("*");
  Route route;
  if (found != mirrors.end()) {
    for (const std::string& url : found->second) route.endpoints.push_back(endpoint_of_mirror(settings, url));
  }
  const bool names_host =
      std::ranges::any_of(route.endpoints, [&](const Endpoint& endpoint) { return endpoint.host == host; });
  if (names_host) return route;
  const Endpoint fallback = default_endpoint(settings, host, false);
  route.endpoints.push_back(endpoint_of_mirror(settings, fallback.url()));
  route.endpoints.back().skips_verification |= fallback.skips_verification;
  return route;
}

}  // namespace

std::vector<std::string> host_folders(const std::string& folder, const std::string& host) {
  std::vector<std::string> folders;
  if (const auto colon = host.rfind(':'); colon != host.npos && colon > 0) {
    folders.push_back(fmt::format("{}/{}_{}_", folder, host.substr(0, colon), host.substr(colon + 1)));
  }
  folders.push_back(fmt::format("{}/{}", folder, host));
  folders.push_back(fmt::format("{}/_default", folder));
  return folders;
}

std::vector<std::string> config_folders(const RuntimeSettings& settings) {
  const std::string& path = settings.registries->config_path;
  if (path.empty()) return {};
  if (!settings.pulls_itself) return {path};
  std::vector<std::string> folders;
  for (std::size_t begin = 0; begin <= path.size();) {
    const std::size_t end = std::min(path.find(':', begin), path.size());
    folders.push_back(path.substr(begin, end - begin));
    begin = end + 1;
  }
  return folders;
}

Route find_route(const RuntimeSettings& settings, const std::string& host) {
  return settings.registries->config_path.empty() ? route_of_mirrors(settings, host) : route_of_folders(settings, host);
}

bool is_same_host(std::string_view left, std::string_view right, bool is_secure) {
  const std::string_view port = is_secure ? ":443" : ":80";
  if (left.ends_with(port)) left.remove_suffix(port.size());
  if (right.ends_with(port)) right.remove_suffix(port.size());
  return left == right;
}

}  // namespace shim::runtimes
