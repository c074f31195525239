// `pull IMAGE`: a pull through the running shim, as a kubelet makes it: ImageStatus, PullImage, ImageStatus.
#pragma once

#include "commands/command_line.h"

namespace shim::commands {

// Prints to stdout. Returns the process's exit code: 0 where the image is on the node, 1 where it is not, 2 where the
// configuration or the password is not there, 130 where Ctrl-C has cancelled the pull.
int pull(const CommandLine& line);

}  // namespace shim::commands
