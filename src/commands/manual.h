// The manual page, in man(7)'s macros. Pure.
#pragma once

#include <string>
#include <string_view>

#include "commands/command_syntax.h"

namespace shim::commands {

// `version` as `image-cri-shim --version` says it.
std::string manual_page(const CommandSyntax& program, std::string_view version);

}  // namespace shim::commands
