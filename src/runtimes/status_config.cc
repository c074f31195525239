#include "runtimes/status_config.h"

#include <nlohmann/json.hpp>

namespace shim::runtimes {
namespace {

using nlohmann::json;

// Null, as Go writes an empty map, and what is of another type count as absent.
const json& member(const json& object, const char* name) {
  static const json nothing;
  if (!object.is_object()) return nothing;
  const auto found = object.find(name);
  return found == object.end() ? nothing : *found;
}

std::string text_of(const json& value) {
  return value.is_string() ? value.get<std::string>() : std::string();
}

HostTls host_tls(const json& tls) {
  const json& skip = member(tls, "insecure_skip_verify");
  return {.ca = text_of(member(tls, "caFile")),
          .cert = text_of(member(tls, "certFile")),
          .key = text_of(member(tls, "keyFile")),
          .skip_verify = skip.is_boolean() && skip.get<bool>()};
}

RegistrySettings registry_settings(const json& registry) {
  RegistrySettings settings;
  settings.config_path = text_of(member(registry, "configPath"));
  for (const auto& [host, mirror] : member(registry, "mirrors").items()) {
    std::vector<std::string>& endpoints = settings.mirrors[host];
    for (const json& endpoint : member(mirror, "endpoint")) endpoints.push_back(text_of(endpoint));
  }
  for (const auto& [host, config] : member(registry, "configs").items()) {
    const json& tls = member(config, "tls");
    if (tls.is_object()) settings.tls[host] = host_tls(tls);
  }
  return settings;
}

}  // namespace

Expected<StatusConfig> read_status_config(std::string_view text) {
  const json config = json::parse(text, nullptr, false);
  if (!config.is_object()) return fail("the runtime's answer to Status holds no configuration in JSON");
  StatusConfig result;
  if (const std::string image = text_of(member(config, "sandboxImage")); !image.empty()) result.sandbox_image = image;
  if (const json& registry = member(config, "registry"); registry.is_object()) {
    result.registries = registry_settings(registry);
  }
  return result;
}

}  // namespace shim::runtimes
