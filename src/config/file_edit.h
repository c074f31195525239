// Writes what an overlay sets into the text of a configuration file, surgically. Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "config/overlay.h"

namespace shim::config {

// `text` with the top-level blocks that the overlay sets replaced, each in its place, those that it lacks added at its
// end; every other byte stays (comments, order, unknown keys, quoting, CRLF, a missing final newline, a BOM). A block
// that says the same already stays as it is, so an overlay that changes nothing gives `text` itself. Variables stay
// unexpanded.
// Promises: parse(edit(text, overlay)) = parse(text, overlay), checked before it returns.
// Errors (the message says what to do): no such edit is possible, such as an anchor in a replaced block that the rest
// of the file uses, a file in flow style, several documents; `text` is no valid configuration.
Expected<std::string> edit(std::string_view text, const Overlay& overlay, const Environment& environment);

}  // namespace shim::config
