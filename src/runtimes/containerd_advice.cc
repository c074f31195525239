#include "runtimes/containerd_advice.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "runtimes/containerd_config.h"
#include "runtimes/route.h"

namespace shim::runtimes {
namespace {

constexpr std::string_view kUsualFolder = "/etc/containerd/certs.d";
constexpr std::string_view kUsualFile = "/etc/containerd/config.toml";
constexpr Release kFirstConfigPath{1, 5};
constexpr std::string_view kRestart = "then: systemctl restart containerd";

std::string indented(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    if (end > 0) result += fmt::format("  {}", text.substr(0, end));
    result += '\n';
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return result;
}

std::string host_of_url(const image::Address& address) {
  const std::string url = address.api_url();
  return url.substr(url.find("://") + 3);
}

// How the registry has to be spoken to.
Endpoint wanted_endpoint(const Registry& registry) {
  Endpoint endpoint;
  endpoint.is_secure = registry.address.is_secure();
  endpoint.host = host_of_url(registry.address);
  if (!endpoint.is_secure) return endpoint;
  if (!registry.tls.ca.empty()) endpoint.ca.push_back(registry.tls.ca);
  if (!registry.tls.cert.empty()) endpoint.clients.emplace_back(registry.tls.cert, registry.tls.key);
  endpoint.skips_verification = registry.tls.insecure_skip_verify;
  return endpoint;
}

std::string config_file(const RuntimeSettings& settings) {
  return settings.file.empty() ? std::string(kUsualFile) : settings.file;
}

// ── What to write ──────────────────────────────────────────────────────────────────────────────────────────────────

bool has_old_style(const RuntimeSettings& settings) {
  if (settings.release.major == 1 && settings.release < kFirstConfigPath) return true;
  const auto& registries = settings.registries;
  return registries && registries->config_path.empty() &&
         (!registries->mirrors.empty() || (settings.release.major < 2 && !registries->tls.empty()));
}

// containerd refuses a `config_path` beside mirrors, so that a node in the older style stays in it.
std::string old_style_hint(const RuntimeSettings& settings, const std::string& host, const Endpoint& wanted) {
  HostTls tls{.skip_verify = wanted.skips_verification};
  if (!wanted.ca.empty()) tls.ca = wanted.ca.front();
  if (!wanted.clients.empty()) std::tie(tls.cert, tls.key) = wanted.clients.front();
  return fmt::format("set in {}:\n{}{}", config_file(settings),
                     indented(mirror_lines(settings.file_version, host, wanted.url(), tls)), kRestart);
}

std::string first_folder(const RuntimeSettings& settings) {
  if (!settings.registries || settings.registries->config_path.empty()) return std::string(kUsualFolder);
  const std::string& path = settings.registries->config_path;
  return path.substr(0, path.find(':'));
}

// Whether containerd looks into first_folder(). REQUIRES: settings.registries.
bool reads_folder(const RuntimeSettings& settings) {
  const std::vector<std::string> folders = config_folders(settings);
  return !folders.empty() && folders.front() == first_folder(settings);
}

std::string hint_for(const RuntimeSettings& settings, const std::string& host, const Endpoint& wanted,
                     const std::string& folder) {
  const bool has_tls = wanted.is_secure;
  if (has_old_style(settings) && (settings.release.major < 2 || !has_tls)) {
    return old_style_hint(settings, host, wanted);
  }
  const std::string place = folder.empty() ? first_folder(settings) + "/" + host : folder;
  std::string hint = fmt::format("write {}/hosts.toml:\n{}", place, indented(hosts_file_of(wanted)));
  if (!settings.registries) return hint + fmt::format("if config_path in {} is that folder", config_file(settings));
  if (reads_folder(settings)) return hint + "containerd reads it at each pull: no restart is needed";
  hint += fmt::format("set in {}:\n{}", config_file(settings),
                      indented(config_path_lines(settings.file_version, settings.release, first_folder(settings))));
  if (has_old_style(settings)) hint += "remove registry.mirrors there: containerd takes either\n";
  return hint + std::string(kRestart);
}

// ── What is there ──────────────────────────────────────────────────────────────────────────────────────────────────

std::string source_of(const RuntimeSettings& settings, const Route& route, const std::string& host) {
  if (!route.source.empty()) return fmt::format("{} says so", route.source);
  const std::string& path = settings.registries->config_path;
  if (path.empty() && !settings.registries->mirrors.empty()) {
    return fmt::format("registry.mirrors of {} say so, or nothing else", config_file(settings));
  }
  if (path.empty()) return fmt::format("no config_path is set in {}", config_file(settings));
  if (!reads_folder(settings)) {
    return fmt::format("containerd 2 takes config_path \"{}\" for one folder", path);
  }
  return fmt::format("{} has no hosts.toml for {}", path, host);
}

bool leads_to(const Endpoint& endpoint, const Endpoint& wanted) {
  return endpoint.can_pull && is_same_host(endpoint.host, wanted.host, wanted.is_secure) &&
         (endpoint.is_secure == wanted.is_secure || endpoint.tries_both);
}

// What of the entry's TLS containerd lacks; empty: nothing.
std::string missing_tls(const Endpoint& endpoint, const Endpoint& wanted, const Registry& registry) {
  if (!wanted.is_secure) return {};
  if (!wanted.clients.empty() && endpoint.clients.empty()) return "no client certificate";
  if (endpoint.skips_verification || registry.is_trusted_without.value_or(false)) return {};
  if (wanted.skips_verification) return "no skip_verify";
  return !wanted.ca.empty() && endpoint.ca.empty() ? "no authority (ca)" : "";
}

Advice advise_by_route(const RuntimeSettings& settings, const Registry& registry, const Route& route) {
  const std::string& host = registry.address.host();
  const Endpoint wanted = wanted_endpoint(registry);
  const auto hint = [&] { return hint_for(settings, host, wanted, route.folder); };
  const auto found =
      std::ranges::find_if(route.endpoints, [&](const Endpoint& endpoint) { return leads_to(endpoint, wanted); });
  if (found == route.endpoints.end()) {
    const auto is_there = [&](const Endpoint& e) { return is_same_host(e.host, wanted.host, e.is_secure); };
    if (std::ranges::any_of(route.endpoints, is_there)) {
      return {Advice::Kind::fails,
              fmt::format("containerd asks it over {}: {}", wanted.is_secure ? "plain http" : "https",
                          source_of(settings, route, host)),
              hint()};
    }
    return {Advice::Kind::unsure,
            fmt::format("containerd asks {} instead, where the shim has not looked: {}", route.endpoints.front().url(),
                        source_of(settings, route, host)),
            hint()};
  }
  if (const std::string missing = missing_tls(*found, wanted, registry); !missing.empty()) {
    const bool is_sure = registry.is_trusted_without.has_value() || missing == "no client certificate";
    return {is_sure ? Advice::Kind::fails : Advice::Kind::unsure,
            fmt::format("containerd has {} for it: {}", missing, source_of(settings, route, host)), hint()};
  }
  const auto first = std::ranges::find_if(route.endpoints, &Endpoint::can_pull);
  if (first != found) {
    return {Advice::Kind::unsure,
            fmt::format("containerd asks {} first, where the shim has not looked: {}", first->url(),
                        source_of(settings, route, host)),
            {}};
  }
  return {Advice::Kind::works, fmt::format("containerd asks {}", found->url()), {}};
}

}  // namespace

Advice advise_containerd(const RuntimeSettings& settings, const Registry& registry) {
  if (settings.registries) {
    const Route route = find_route(settings, registry.address.host());
    Advice advice = advise_by_route(settings, registry, route);
    if (route.problem.empty()) return advice;
    return {advice.kind == Advice::Kind::fails ? Advice::Kind::fails : Advice::Kind::unsure,
            fmt::format("{}; containerd goes on without it", route.problem), advice.hint};
  }
  if (!needs_settings(registry)) return {};
  return {Advice::Kind::unsure,
          fmt::format("whether containerd speaks to it in the same way cannot be seen: {}", settings.problem),
          hint_for(settings, registry.address.host(), wanted_endpoint(registry), {})};
}

std::string containerd_sandbox_setting(const RuntimeSettings& settings, std::string_view image) {
  return fmt::format("set in {}:\n{}{}", config_file(settings),
                     indented(sandbox_image_lines(settings.file_version, settings.release, image)), kRestart);
}

}  // namespace shim::runtimes
