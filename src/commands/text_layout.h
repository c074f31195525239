// Text for people on a terminal of any width: lines wrapped at words, and a colour for each. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "commands/terminal.h"

namespace shim::commands {

enum class Tone { plain, good, bad, quiet };

// Lines of at most `width` columns, as far as the words allow it; 0: one line.
std::vector<std::string> wrapped(std::string_view text, std::size_t width);
// As it is where the terminal has no colours.
std::string coloured(std::string text, Tone tone, const Terminal& terminal);
// Wrapped lines, each ended, with all but the first `indent` columns to the right.
std::string paragraph(std::string_view text, Tone tone, const Terminal& terminal, std::size_t indent = 0);
// At most `width` columns; what was cut off is shown as `…`. REQUIRES: text is printable(), width > 0.
std::string shortened(std::string_view text, std::size_t width);

}  // namespace shim::commands
