#include "commands/configuration.h"

#include <utility>

#include "config/environment.h"
#include "config/load.h"
#include "config/parse.h"

namespace shim::commands {
namespace {

LoadedConfiguration failed(std::string file, std::string message) {
  config::Diagnostic diagnostic;
  diagnostic.message = std::move(message);
  return {std::move(file), {}, std::nullopt, {std::move(diagnostic)}};
}

std::optional<credentials::Credential> credential_of(const std::optional<config::Auth>& auth) {
  if (!auth) return std::nullopt;
  return credentials::Credential{auth->username, auth->password, auth->password_file, auth->identity_token};
}

registry::Entry entry_of(const config::Registry& registry, bool is_offline) {
  const int default_priority = is_offline ? config::kDefaultOfflinePriority : config::kDefaultPriority;
  const config::Routing& routing = registry.routing;
  return {.address = registry.address,
          .priority = registry.priority.value_or(default_priority),
          .is_offline = is_offline,
          .rule = config::effective_rule(registry),
          .rewrite = routing.rewrite,
          .digest_fallback = routing.digest_fallback == config::DigestFallback::tag ? registry::DigestFallback::tag
                                                                                    : registry::DigestFallback::none,
          .credential = credential_of(registry.auth),
          .tls = routing.tls};
}

}  // namespace

LoadedConfiguration load_configuration(const std::string& requested) {
  auto file = config::choose_file(requested);
  if (!file) return failed({}, file.error().message);
  auto text = config::load(*file);
  if (!text) return failed(*file, text.error().message);
  config::ParseResult result = config::parse(*text, *file, config::process_environment());
  return {std::move(*file), std::move(*text), std::move(result.config), std::move(result.diagnostics)};
}

std::vector<registry::Entry> registry_entries(const config::Config& config) {
  std::vector<registry::Entry> entries;
  for (const config::Registry& registry : config.registries) entries.push_back(entry_of(registry, false));
  if (config.offline) entries.push_back(entry_of(*config.offline, true));
  return entries;
}

credentials::Keychain::Options keychain_options(const config::Config& config) {
  return {.docker_config = config.credentials.docker_config,
          .plugin_config = config.credentials.kubelet_plugins.config,
          .plugin_bin_dir = config.credentials.kubelet_plugins.bin_dir};
}

registry::ResolverOptions resolver_options(const config::Config& config) {
  const config::Cache& cache = config.cache;
  return {
      .probe_timeout = std::chrono::duration_cast<std::chrono::milliseconds>(config.probe.timeout),
      .hedge_delay = config.probe.hedge_delay,
      .breaker = {.failure_threshold = config.probe.failure_threshold,
                  .recovery_interval = config.probe.recovery_interval},
      .cache = {.capacity = static_cast<std::size_t>(cache.image_cache_size),
                .holds_ttl = cache.image_cache_ttl,
                .absent_ttl = cache.not_found_ttl},
      .max_token_age = std::chrono::duration_cast<std::chrono::seconds>(cache.domain_cache_ttl),
      .fallback = config.fallback == config::Fallback::deny ? registry::Fallback::deny : registry::Fallback::upstream};
}

std::shared_ptr<const registry::Resolver> make_resolver(const config::Config& config, http::Client& http,
                                                        WorkerPool& workers, boost::asio::any_io_executor executor,
                                                        const registry::Resolver* former) {
  registry::ResolverOptions options = resolver_options(config);
  options.keychain = std::make_shared<credentials::Keychain>(workers, keychain_options(config));
  return std::make_shared<registry::Resolver>(registry_entries(config), std::move(options), http, std::move(executor),
                                              former);
}

bool resolve_alike(const config::Config& left, const config::Config& right) {
  const auto without_statistics = [](config::Cache cache) {
    cache.stats_log_interval = {};
    cache.disable_stats = false;
    return cache;
  };
  return left.registries == right.registries && left.offline == right.offline && left.fallback == right.fallback &&
         left.probe == right.probe && left.credentials == right.credentials &&
         without_statistics(left.cache) == without_statistics(right.cache);
}

}  // namespace shim::commands
