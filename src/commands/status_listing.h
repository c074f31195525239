// A Status as text for people. Pure.
#pragma once

#include <string>

#include "commands/terminal.h"
#include "observe/status.h"

namespace shim::commands {

// What is wrong and what to do first. Whatever the status says is shown as printable(); no line is wider than the
// terminal, as far as the words allow it.
std::string status_listing(const observe::Status& status, const Terminal& terminal);

// The octets that show `text` in the place of what the terminal showed before, cut to its rows.
// REQUIRES: terminal.rows > 0.
std::string in_place(const std::string& text, const Terminal& terminal);

}  // namespace shim::commands
