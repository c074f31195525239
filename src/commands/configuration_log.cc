#include "commands/configuration_log.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "config/reload.h"
#include "config/startup_lines.h"

namespace shim::commands {
namespace {

void log_diagnostic(const config::Diagnostic& diagnostic) {
  const std::string line = to_string(diagnostic);
  switch (diagnostic.severity) {
    case config::Severity::error:
      spdlog::error("{}", line);
      break;
    case config::Severity::warning:
      spdlog::warn("{}", line);
      break;
    case config::Severity::note:
      spdlog::info("{}", line);
      break;
  }
}

// Lines do not count: they move with every edit above them.
bool contains(const std::vector<config::Diagnostic>& diagnostics, const config::Diagnostic& diagnostic) {
  return std::ranges::any_of(diagnostics, [&](const config::Diagnostic& each) {
    return each.file == diagnostic.file && each.path == diagnostic.path && each.message == diagnostic.message;
  });
}

std::string name_of(const config::ConfigMap& config_map) {
  return config_map.name_space + "/" + config_map.name;
}

}  // namespace

void log_diagnostics(const std::vector<config::Diagnostic>& diagnostics) {
  for (const config::Diagnostic& diagnostic : diagnostics) log_diagnostic(diagnostic);
}

bool ConfigurationLog::is_news(Topic topic, const std::string& text) {
  if (text.empty()) {
    told_.erase(topic);
    return false;
  }
  std::string& told = told_[topic];
  if (told == text) return false;
  told = text;
  return true;
}

void ConfigurationLog::comes_into_use(const config::Config& config) const {
  spdlog::info("reloaded shim auth configuration from {}", file_);
  for (const std::string& line : config::registry_lines(config)) spdlog::info("{}", line);
}

void ConfigurationLog::nothing_has_changed() const {
  spdlog::info("{}: nothing has changed", file_);
}

void ConfigurationLog::file_is_bad(const std::string& errors) {
  if (is_news(Topic::file, errors))
    spdlog::error("{} is not used, the last good configuration stays: {}", file_, errors);
}

void ConfigurationLog::file_is_good(const std::vector<config::Diagnostic>& warnings) {
  if (told_.contains(Topic::file)) spdlog::info("{} is valid again", file_);
  is_news(Topic::file, "");
  for (const config::Diagnostic& warning : warnings) {
    if (!contains(warnings_, warning) && !contains(overlay_warnings_, warning)) log_diagnostic(warning);
  }
  warnings_ = warnings;
}

void ConfigurationLog::was_told(const std::string& errors, std::vector<config::Diagnostic> warnings) {
  is_news(Topic::file, errors);
  warnings_ = std::move(warnings);
}

void ConfigurationLog::tell_again() {
  told_.erase(Topic::file);
  told_.erase(Topic::restart);
}

void ConfigurationLog::need_restart(const std::vector<std::string_view>& keys) {
  const std::string names = fmt::format("{}", fmt::join(keys, ", "));
  if (is_news(Topic::restart, names)) {
    spdlog::warn("{}: {} changed, which takes effect at the next start only (systemctl restart image-cri-shim)", file_,
                 names);
  }
}

void ConfigurationLog::is_not_watched(const std::string& why) {
  if (is_news(Topic::watch, why)) {
    spdlog::warn("changes to {} are found every reloadInterval only, not at once: {}", file_, why);
  }
}

void ConfigurationLog::copy_is_not_kept(const std::string& why) {
  if (is_news(Topic::copy, why)) {
    spdlog::warn("no copy of the configuration is kept for a start with an invalid file: {}", why);
  }
}

void ConfigurationLog::overlay_has_effect(const config::Overlay& overlay,
                                          const std::vector<config::Diagnostic>& warnings) {
  log_diagnostics(warnings);
  overlay_warnings_ = warnings;
  for (const std::string& line : config::overlay_lines(overlay)) spdlog::info("{}", line);
}

void ConfigurationLog::overlay_is_refused(const std::string& origin,
                                          const std::vector<config::Diagnostic>& diagnostics) const {
  spdlog::error("{} is not used, nothing of it has effect: {}", origin, config::errors_in_a_line(diagnostics));
}

void ConfigurationLog::overlay_is_in_file(bool was_written, bool is_new) {
  is_news(Topic::sync, "");
  if (was_written) spdlog::info("synced image-cri-shim config from ConfigMap into {}", file_);
  if (was_written || is_new) spdlog::info("syncing image-cri-shim config from ConfigMap completed");
}

void ConfigurationLog::overlay_is_not_in_file(const std::string& why) {
  if (is_news(Topic::sync, why))
    spdlog::warn("the ConfigMap has effect in memory only, {} stays as it is: {}", file_, why);
}

void ConfigurationLog::config_map_is_absent(const config::ConfigMap& config_map, bool was_seen) const {
  if (was_seen) {
    spdlog::info("configmap {} was deleted; the last configuration stays", name_of(config_map));
  } else {
    spdlog::debug("configmap {} not found; skip syncing", name_of(config_map));
  }
}

void ConfigurationLog::config_map_lacks_key(const config::ConfigMap& config_map) const {
  spdlog::warn("configmap {} has no key {}; skip syncing", name_of(config_map), config_map.key);
}

void ConfigurationLog::config_map_is_unknown(const config::ConfigMap& config_map,
                                             const kubernetes::Unknown& unknown) const {
  const bool is_expected = unknown.is_access && config_map.enabled == config::Enabled::automatic;
  const auto level = is_expected ? spdlog::level::debug : spdlog::level::warn;
  if (unknown.is_access) {
    spdlog::log(level, "skip syncing image-cri-shim config; unable to create kube client: {}", unknown.reason);
  } else {
    spdlog::log(level, "configmap {} cannot be read, what was seen last stays: {}", name_of(config_map),
                unknown.reason);
  }
}

}  // namespace shim::commands
