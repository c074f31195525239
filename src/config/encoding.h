// Is a text UTF-8, and which line is a byte on. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace shim::config {

// Offset of the first byte that is not well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms).
std::optional<std::size_t> find_invalid_utf8(std::string_view text);

// The line, from 1, that the byte at `offset` stands on.
int line_at(std::string_view text, std::size_t offset);

}  // namespace shim::config
