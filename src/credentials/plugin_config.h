// The kubelet's CredentialProviderConfig (KEP-2133): which plugins there are, and for which images. Pure.
//
// Versions v1, v1beta1 and v1alpha1 of kubelet.config.k8s.io, in YAML or JSON. What the kubelet checks is checked; keys
// that this version does not know are left alone, as a newer kubelet may know them.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "config/diagnostic.h"
#include "credentials/program.h"

namespace shim::credentials {

struct Plugin {
  std::string name;         // of the executable
  std::string api_version;  // `credentialprovider.kubelet.k8s.io/v1`, of request and response
  std::vector<std::string> match_images;
  std::chrono::nanoseconds default_cache_duration{0};
  std::vector<std::string> arguments{};
  Variables environment{};

  bool matches(std::string_view image) const;
};

struct PluginConfig {
  std::vector<Plugin> plugins;  // in file order
};

struct PluginConfigResult {
  std::optional<PluginConfig> config;           // nothing exactly where there is an error
  std::vector<config::Diagnostic> diagnostics;  // by line; no value of a variable is shown
};

// A plugin that is to be given service account tokens (`tokenAttributes`) is left out with a warning: only the kubelet
// can make them.
PluginConfigResult read_plugin_config(std::string_view text, std::string_view file);

// The same for a CachedFile: all errors in one.
Expected<PluginConfig> parse_plugin_config(std::string text, const std::string& file);

}  // namespace shim::credentials
