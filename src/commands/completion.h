// Scripts that complete the command line in a shell. Pure.
#pragma once

#include <string>

#include "commands/command_syntax.h"

namespace shim::commands {

enum class Shell { bash, zsh, fish };

// What is to be sourced or installed for `program`; an option of the program that takes a value may come after a
// command as well.
std::string completion_script(const CommandSyntax& program, Shell shell);

}  // namespace shim::commands
