// A password from a person or a program, never from the command line, which everybody on the machine sees.
#pragma once

#include <string>

#include "base/error.h"
#include "base/secret.h"

namespace shim::commands {

// The first line of stdin; on a terminal asked for with `prompt`, and not shown. Errors: there is none, or it is longer
// than 4 KiB.
Expected<Secret> read_password(const std::string& prompt);

}  // namespace shim::commands
