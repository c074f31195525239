// The operators' page of all keys, made from keys.h: docs/configuration-reference.md.
#pragma once

#include <string>

namespace shim::config {

// Markdown, the whole page.
std::string reference();

}  // namespace shim::config
