// `kubelet enable|disable|status`: whether this node's kubelet gets its images through the shim.
#pragma once

#include "commands/command_line.h"

namespace shim::commands {

// Prints to stdout. Returns the process's exit code: 0 where it is as wanted, 1 where it is not.
int kubelet(const CommandLine& line);

}  // namespace shim::commands
