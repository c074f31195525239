// Lines, comments and the ends of scalars in the text of a YAML document that is known to be valid. Pure.
//
// Positions are byte offsets. A line ends with "\n" or "\r\n".
#pragma once

#include <cstddef>
#include <string_view>

namespace shim::config {

std::size_t line_begin(std::string_view text, std::size_t at);
// In front of the line's end, or the end of the text.
std::size_t line_end(std::string_view text, std::size_t at);
// Behind the line's end, or the end of the text.
std::size_t next_line(std::string_view text, std::size_t at);

// The first byte from `at` on, before `limit`, that is no white space and in no comment; else `limit`.
std::size_t skip_space(std::string_view text, std::size_t at, std::size_t limit);

// Behind the last byte before `limit` that is no white space and in no comment, counted from the scalar (with its
// anchor or tag) that begins at `at`; what follows it may only be what closes the collections that it is in.
std::size_t end_of_content(std::string_view text, std::size_t at, bool scalar_is_empty, std::size_t limit);

}  // namespace shim::config
