// `config show`: the effective configuration, each value with where it comes from. Of the running shim, which knows
// what the ConfigMap has set; where none runs, of the file alone.
#pragma once

#include "commands/command_line.h"

namespace shim::commands {

// Prints the answer to stdout, everything else to stderr. Returns the process's exit code: 0, 1 where the shim could
// not be asked, 2 where the configuration is not valid.
int config_show(const CommandLine& line);

}  // namespace shim::commands
