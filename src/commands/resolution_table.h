// An Explanation as a table for people. Pure.
#pragma once

#include <string>

#include "commands/terminal.h"
#include "registry/explanation.h"

namespace shim::commands {

// Ends with a line end. Whatever registries said is shown as printable(); nothing is cut off: what is wider than the
// terminal is wrapped between words. Without a width each candidate is one line, for grep.
std::string resolution_table(const registry::Explanation& explanation, const Terminal& terminal);

// True where a pull has somewhere to go: a registry that says that it has the image, or the image's own, which is not
// asked. A registry that is down, or that refuses, may have it all the same, but nobody can count on that.
bool has_source(const registry::Explanation& explanation);

}  // namespace shim::commands
