// Text for people: hostile input made safe to show, and "did you mean".
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace shim {

// `text` as one line that can be shown in a terminal, a log or an error: control characters, bytes that are not UTF-8,
// and characters that move or hide text (line separators, direction overrides, zero width) are written as `\n`, `\t`,
// `\x1b`, `\u202e`. At most `max_bytes` bytes; what was cut off is shown as `…`, and no escape or character is cut in
// two. For reading only: a backslash stays as it is, so the result cannot be turned back.
std::string printable(std::string_view text, std::size_t max_bytes = std::string::npos);

// How many columns of a terminal `text` takes: two for each wide character of East Asia and each emoji, none for a
// combining mark. For aligning; terminals differ on the newest characters. REQUIRES: text is printable().
std::size_t columns(std::string_view text);

// printable() between double quotes, with the quotes inside escaped, so that a message shows where the input ends.
std::string in_quotes(std::string_view text, std::size_t max_bytes = 128);

// The candidate that `word` was probably meant to be: the least Damerau-Levenshtein distance (letters swapped, missing,
// added or wrong; case does not count), at most a third of the word; the first of several. Nothing where none is near.
// The result borrows from `candidates`.
std::optional<std::string_view> nearest(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace shim
