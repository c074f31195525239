// `resolve IMAGE`: which registry would serve an image, and why not another? Of the running shim, whose circuit
// breakers and cache are those that count; where none runs, the registries are asked from here.
#pragma once

#include "commands/command_line.h"

namespace shim::commands {

// Prints the answer to stdout, everything else to stderr. Returns the process's exit code: 0 where a pull has a source,
// 1 where it has none or nobody could be asked, 2 where the configuration or the name of the image is not valid.
int resolve(const CommandLine& line);

}  // namespace shim::commands
