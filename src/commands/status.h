// `status`: how the running shim and its surroundings are, and what is wrong; once, or again and again.
#pragma once

#include "commands/command_line.h"

namespace shim::commands {

// Prints the answer to stdout, everything else to stderr. Returns the process's exit code: 0 where all is well, 1 where
// something needs attention or no shim could be asked. With `--watch` it returns only where its answer cannot be
// written any more.
int status(const CommandLine& line);

}  // namespace shim::commands
