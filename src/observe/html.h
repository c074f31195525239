// HTML from values that nobody vouches for. Pure.
#pragma once

#include <string>
#include <string_view>

namespace shim::observe {

// `text` as the content of an element or of a quoted attribute: no octet of it is markup, and it is printable(). Text
// of any kind is safe to pass.
std::string escaped(std::string_view text);

}  // namespace shim::observe
