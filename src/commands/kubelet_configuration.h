// The kubelet's configuration file (KubeletConfiguration, YAML or JSON): which image endpoint it names. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace shim::commands {

struct KubeletSettings {
  std::string image_endpoint;       // `imageServiceEndpoint`; empty: not set, and so that of the runtime
  std::string runtime_endpoint;     // `containerRuntimeEndpoint`
  std::optional<int> healthz_port;  // 0: no such endpoint
  std::string healthz_address;      // `healthzBindAddress`
};

// Errors: no YAML, not a KubeletConfiguration.
Expected<KubeletSettings> read_kubelet_settings(std::string_view text);

// `text` with `imageServiceEndpoint` set to `endpoint`, or without it where that is empty. Every other byte of YAML
// stays; JSON keeps its values and their order, and is indented anew. Errors: as above; a form that cannot be edited
// (the message says what to write by hand).
Expected<std::string> with_image_endpoint(std::string_view text, const std::string& endpoint);

}  // namespace shim::commands
