// `check`, `--dry-run`: is this configuration valid, what does it come to, does the runtime answer, and can it and the
// shim use the configured registries?
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "commands/command_line.h"
#include "config/config.h"

namespace shim::commands {

// Prints to stdout. Returns the process's exit code: 0, 1 where a check failed, 2 where the configuration is not valid.
int check(const CommandLine& line);

// The configured credentials that a runtime of this name does not use, each with what to do. Pure.
std::vector<std::string> ignored_credentials(const config::Config& config, std::string_view runtime_name);

}  // namespace shim::commands
