#include "config/print.h"

#include <fmt/format.h>
#include <yaml-cpp/emitter.h>

#include <algorithm>
#include <string_view>

#include "base/units.h"
#include "config/environment.h"
#include "config/names.h"

namespace shim::config {

namespace {

constexpr std::string_view kRedacted = "(set)";

// A scalar that is read back as the text that it is: yaml-cpp alone would write the texts `null` and `~` unquoted.
void write_text(YAML::Emitter& out, std::string_view text) {
  const bool is_plain = text != "~" && text != "null" && text != "Null" && text != "NULL" && !text.empty();
  const std::string escaped = escape_variables(text);
  if (is_plain) {
    out << escaped;
  } else {
    out << YAML::DoubleQuoted << escaped;
  }
}

void write(YAML::Emitter& out, const char* key, std::string_view text) {
  out << YAML::Key << key << YAML::Value;
  write_text(out, text);
}

void write(YAML::Emitter& out, const char* key, bool flag) {
  out << YAML::Key << key << YAML::Value << flag;
}
void write(YAML::Emitter& out, const char* key, int number) {
  out << YAML::Key << key << YAML::Value << number;
}

void write(YAML::Emitter& out, const char* key, std::chrono::nanoseconds duration) {
  write(out, key, std::string_view(format_duration(duration)));
}

void write_if_set(YAML::Emitter& out, const char* key, std::string_view text) {
  if (!text.empty()) write(out, key, text);
}

void write_list(YAML::Emitter& out, const char* key, const std::vector<std::string>& texts) {
  out << YAML::Key << key << YAML::Value << YAML::Flow << YAML::BeginSeq;
  for (const std::string& text : texts) write_text(out, text);
  out << YAML::EndSeq;
}

void write_patterns(YAML::Emitter& out, const char* key, const std::vector<image::Pattern>& patterns) {
  std::vector<std::string> texts;
  for (const image::Pattern& pattern : patterns) texts.push_back(pattern.text());
  write_list(out, key, texts);
}

void write_auth(YAML::Emitter& out, const std::optional<Auth>& auth) {
  if (!auth) return;
  if (auth->is_anonymous()) return write(out, "auth", std::string_view());
  out << YAML::Key << "auth" << YAML::Value << YAML::Flow << YAML::BeginMap;
  write_if_set(out, "username", auth->username);
  if (!auth->password.empty()) write(out, "password", kRedacted);
  write_if_set(out, "passwordFile", auth->password_file);
  if (!auth->identity_token.empty()) write(out, "identityToken", kRedacted);
  out << YAML::EndMap;
}

void write_priority(YAML::Emitter& out, const char* key, const std::optional<int>& priority, int if_unset) {
  const int value = priority.value_or(if_unset);
  write(out, key, value == kLowestPriority ? -1 : value);  // a written 0 would be the default
}

void write_rewrite(YAML::Emitter& out, const std::vector<image::RewriteRule>& rules) {
  if (rules.empty()) return;
  out << YAML::Key << "rewrite" << YAML::Value << YAML::BeginSeq;
  for (const image::RewriteRule& rule : rules) {  // not expanded when read, so not escaped here
    out << YAML::Flow << YAML::BeginMap;
    out << YAML::Key << "from" << YAML::Value << YAML::DoubleQuoted << rule.from();
    out << YAML::Key << "to" << YAML::Value << YAML::DoubleQuoted << rule.to();
    out << YAML::EndMap;
  }
  out << YAML::EndSeq;
}

void write_routing(YAML::Emitter& out, const Registry& registry) {
  const Routing& routing = registry.routing;
  write_patterns(out, "match", effective_rule(registry).match);
  if (!routing.exclude.empty()) write_patterns(out, "exclude", routing.exclude);
  if (!routing.namespaces.empty()) write_list(out, "namespaces", routing.namespaces);
  write_rewrite(out, routing.rewrite);
  write(out, "digestFallback", name_of(kDigestFallbackNames, routing.digest_fallback));
  if (routing.tls == http::TlsOptions{}) return;
  out << YAML::Key << "tls" << YAML::Value << YAML::Flow << YAML::BeginMap;
  write_if_set(out, "ca", routing.tls.ca);
  write_if_set(out, "cert", routing.tls.cert);
  write_if_set(out, "key", routing.tls.key);
  write(out, "insecureSkipVerify", routing.tls.insecure_skip_verify);
  out << YAML::EndMap;
}

void write_offline(YAML::Emitter& out, const Registry& offline) {
  write(out, "address", offline.address.text());
  write_auth(out, offline.auth);
  write_priority(out, "offlinePriority", offline.priority, kDefaultOfflinePriority);
  out << YAML::Key << "offline" << YAML::Value << YAML::BeginMap;
  write_routing(out, offline);
  out << YAML::EndMap;
}

void write_registries(YAML::Emitter& out, const std::vector<Registry>& registries) {
  if (registries.empty()) return write_list(out, "registries", {});
  out << YAML::Key << "registries" << YAML::Value << YAML::BeginSeq;
  for (const Registry& registry : registries) {
    out << YAML::BeginMap;
    write(out, "address", registry.address.text());
    write_auth(out, registry.auth);
    write_priority(out, "priority", registry.priority, kDefaultPriority);
    write_routing(out, registry);
    out << YAML::EndMap;
  }
  out << YAML::EndSeq;
}

void begin_block(YAML::Emitter& out, const char* key) {
  out << YAML::Key << key << YAML::Value << YAML::BeginMap;
}

void write_probe(YAML::Emitter& out, const Probe& probe) {
  begin_block(out, "probe");
  write(out, "timeout", probe.timeout);
  write(out, "hedgeDelay", probe.hedge_delay);
  write(out, "failureThreshold", probe.failure_threshold);
  write(out, "recoveryInterval", probe.recovery_interval);
  out << YAML::EndMap;
}

void write_cache(YAML::Emitter& out, const Cache& cache) {
  begin_block(out, "cache");
  write(out, "imageCacheSize", cache.image_cache_size);
  write(out, "imageCacheTTL", cache.image_cache_ttl);
  write(out, "domainCacheTTL", cache.domain_cache_ttl);
  write(out, "notFoundTTL", cache.not_found_ttl);
  write(out, "statsLogInterval", cache.stats_log_interval);
  write(out, "disableStats", cache.disable_stats);
  out << YAML::EndMap;
}

void write_credentials(YAML::Emitter& out, const Credentials& credentials) {
  begin_block(out, "credentials");
  write_list(out, "dockerConfig", credentials.docker_config);
  begin_block(out, "kubeletPlugins");
  write(out, "config", credentials.kubelet_plugins.config);
  write(out, "binDir", credentials.kubelet_plugins.bin_dir);
  out << YAML::EndMap << YAML::EndMap;
}

void write_config_map(YAML::Emitter& out, const ConfigMap& config_map) {
  begin_block(out, "configMap");
  write(out, "enabled", name_of(kEnabledNames, config_map.enabled));
  write(out, "namespace", config_map.name_space);
  write(out, "name", config_map.name);
  write(out, "key", config_map.key);
  write(out, "kubeconfig", config_map.kubeconfig);
  write_list(out, "env", config_map.env);
  out << YAML::EndMap;
}

void write_http(YAML::Emitter& out, const Http& http) {
  begin_block(out, "http");
  write(out, "address", http.address);
  out << YAML::EndMap;
}

void write_log(YAML::Emitter& out, const Log& log) {
  begin_block(out, "log");
  write(out, "format", name_of(kLogFormatNames, log.format));
  out << YAML::EndMap;
}

}  // namespace

std::string print(const Config& config) {
  YAML::Emitter out;
  out << YAML::BeginMap;
  write(out, "shim", config.shim);
  write(out, "cri", config.cri);
  write(out, "version", name_of(kCriVersionNames, config.version));
  write(out, "image", config.image);
  write(out, "force", config.force);
  write(out, "debug", config.debug);
  write(out, "timeout", config.timeout);
  write(out, "drainTimeout", config.drain_timeout);
  write(out, "maxMessageSize", std::string_view(format_size(config.max_message_size)));
  write(out, "reloadInterval", config.reload_interval);
  write(out, "fallback", name_of(kFallbackNames, config.fallback));
  write(out, "restoreNames", config.restore_names);
  if (config.offline) write_offline(out, *config.offline);
  write_registries(out, config.registries);
  write_probe(out, config.probe);
  write_cache(out, config.cache);
  write_credentials(out, config.credentials);
  write_config_map(out, config.config_map);
  write_http(out, config.http);
  write(out, "admin", config.admin);
  write_log(out, config.log);
  out << YAML::EndMap;
  return std::string(out.c_str(), out.size()) + "\n";
}

}  // namespace shim::config
