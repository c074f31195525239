// What a runtime's verbose `Status` answer says in `info["config"]`. Pure.
//
// containerd 1.4 to 1.7: its CRI plugin's configuration, registries and sandbox image included. containerd 2: the same
// without those two, which have become another plugin's. CRI-O and cri-dockerd: the sandbox image alone, if anything.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "runtimes/settings.h"

namespace shim::runtimes {

struct StatusConfig {
  std::optional<std::string> sandbox_image{};
  std::optional<RegistrySettings> registries{};
};

// Errors: it is not a JSON object.
Expected<StatusConfig> read_status_config(std::string_view json);

}  // namespace shim::runtimes
