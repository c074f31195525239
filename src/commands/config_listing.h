// A configuration report as a file for people, with the origin of each value as a comment. Pure.
#pragma once

#include <string>

#include "commands/terminal.h"
#include "observe/config_report.h"

namespace shim::commands {

// The report's YAML, a configuration still, with comments above (the file, differences) and at its lines' ends. They
// are aligned on a terminal, and two spaces behind the value elsewhere, so that a change of one line is one line of a
// diff. Whatever the report says is shown as printable().
std::string config_listing(const observe::ConfigReport& report, const Terminal& terminal);

}  // namespace shim::commands
