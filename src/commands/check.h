// `check`, `--dry-run`: is this configuration valid, what does it come to, and does the runtime answer?
#pragma once

#include "commands/command_line.h"

namespace shim::commands {

// Prints to stdout. Returns the process's exit code: 0, 1 where a check failed, 2 where the configuration is not valid.
int check(const CommandLine& line);

}  // namespace shim::commands
