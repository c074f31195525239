// The daemon: everything wired together, from the first log line to the last drained call.
#pragma once

#include "commands/command_line.h"

namespace shim::commands {

// Serves until SIGTERM or SIGINT. Returns the process's exit code: 0 after a drain, 1 where it cannot listen, 2 where
// the configuration is not valid.
int serve(const CommandLine& line);

}  // namespace shim::commands
