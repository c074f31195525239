// The sandbox (pause) image: the runtime pulls it by itself and past the shim, so that a node without it, in front of
// registries that it does not name, starts no pod. Pure.
#pragma once

#include <optional>
#include <string>

#include "base/error.h"
#include "commands/finding.h"
#include "config/config.h"
#include "runtimes/settings.h"

namespace shim::commands {

struct SandboxImage {
  std::string name;
  Expected<bool> is_present = false;
  std::string copy{};  // the name under which a configured registry has it; empty: none has, or none was asked
  bool copy_is_private = false;  // that registry wants credentials, which the runtime does not have for this pull
};

Finding judge_sandbox_image(const config::Config& config, const runtimes::RuntimeSettings& settings,
                            const SandboxImage& image);
// Where the runtime does not tell its name, and it would have to come from a configured registry (`fallback: deny`).
Finding judge_unknown_sandbox_image(const runtimes::RuntimeSettings& settings);

}  // namespace shim::commands
