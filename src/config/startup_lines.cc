#include "config/startup_lines.h"

#include <fmt/format.h>

#include <string_view>

#include "base/units.h"
#include "config/names.h"

namespace shim::config {

namespace {

std::string user_of(const std::optional<Auth>& auth) {
  if (!auth || auth->is_anonymous()) return "(anonymous)";
  return auth->username.empty() ? "(identity token)" : auth->username;
}

std::string registry_line(std::string_view name, const Registry& registry, int default_value) {
  return fmt::format("config: {} address={} domain={} priority={}{}", name, registry.address.text(),
                     registry.address.domain(), registry.priority.value_or(default_value),
                     registry.priority ? "" : " (default)");
}

}  // namespace

std::vector<std::string> startup_lines(const Config& config) {
  std::vector<std::string> lines;
  lines.push_back("shim-socket: " + config.shim);
  lines.push_back("cri-socket: " + config.cri);
  if (config.offline) {
    lines.push_back("hub-address: " + config.offline->address.text());
    lines.push_back("RegistryDomain: " + config.offline->address.host());
  }
  lines.push_back(fmt::format("Force: {}", config.force));
  lines.push_back(fmt::format("Debug: {}", config.debug));
  lines.push_back("ImageDir: " + config.image);
  lines.push_back(fmt::format("Timeout: {{{}}}", format_duration(config.timeout)));
  if (config.offline) lines.push_back("Username: " + user_of(config.offline->auth));
  lines.push_back(fmt::format("CRIVersion: {}", name_of(kCriVersionNames, config.version)));
  return lines;
}

std::vector<std::string> registry_lines(const Config& config) {
  std::vector<std::string> lines;
  lines.push_back(fmt::format("config: processing {} configured registries", config.registries.size()));
  for (std::size_t i = 0; i < config.registries.size(); ++i) {
    lines.push_back(registry_line(fmt::format("registry[{}]", i + 1), config.registries[i], kDefaultPriority));
  }
  if (config.offline) lines.push_back(registry_line("offline_registry", *config.offline, kDefaultOfflinePriority));
  return lines;
}

}  // namespace shim::config
