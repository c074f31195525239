// What containerd has to be told: its hosts.toml, or in the older style its config.toml.
#pragma once

#include <string>
#include <string_view>

#include "runtimes/advice.h"
#include "runtimes/settings.h"

namespace shim::runtimes {

// As advise().
Advice advise_containerd(const RuntimeSettings& settings, const Registry& registry);
// As sandbox_image_setting().
std::string containerd_sandbox_setting(const RuntimeSettings& settings, std::string_view image);

}  // namespace shim::runtimes
