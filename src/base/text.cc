#include "base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <vector>

namespace shim {
namespace {

constexpr std::string_view kEllipsis = "…";

// One character of UTF-8 text. `length` is 1 and `is_valid` false for a byte that begins none.
struct Character {
  std::uint32_t code_point = 0;
  std::size_t length = 1;
  bool is_valid = false;
};

// RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. REQUIRES: text is not empty.
Character first_character(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t lead = byte(0);
  if (lead < 0x80) return {lead, 1, true};
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < length) return {lead, 1, false};
  std::uint32_t code_point = lead & (0x7Fu >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return {lead, 1, false};
    code_point = code_point << 6 | (byte(i) & 0x3Fu);
  }
  const bool is_overlong = (length == 3 && code_point < 0x800) || (length == 4 && code_point < 0x10000);
  const bool is_surrogate = code_point >= 0xD800 && code_point <= 0xDFFF;
  if (is_overlong || is_surrogate || code_point > 0x10FFFF) return {lead, 1, false};
  return {code_point, length, true};
}

bool is_shown_as_it_is(std::uint32_t code_point) {
  const auto within = [&](std::uint32_t first, std::uint32_t last) {
    return code_point >= first && code_point <= last;
  };
  return !(within(0, 0x1F) || within(0x7F, 0x9F) || code_point == 0xAD || code_point == 0x61C ||
           within(0x200B, 0x200F) || within(0x2028, 0x202E) || within(0x2060, 0x206F) || code_point == 0xFEFF ||
           within(0xFFF9, 0xFFFB) || within(0xE0000, 0xE007F));
}

// Unicode's East Asian Width W and F, in blocks; combining marks and variation selectors.
std::size_t columns_of(std::uint32_t code_point) {
  const auto within = [&](std::uint32_t first, std::uint32_t last) {
    return code_point >= first && code_point <= last;
  };
  if (within(0x300, 0x36F) || within(0x1AB0, 0x1AFF) || within(0x1DC0, 0x1DFF) || within(0x20D0, 0x20FF) ||
      within(0xFE00, 0xFE0F) || within(0xFE20, 0xFE2F) || within(0xE0100, 0xE01EF)) {
    return 0;
  }
  const bool is_wide = within(0x1100, 0x115F) || within(0x2E80, 0x303E) || within(0x3041, 0xA4CF) ||
                       within(0xA960, 0xA97F) || within(0xAC00, 0xD7A3) || within(0xF900, 0xFAFF) ||
                       within(0xFE30, 0xFE6F) || within(0xFF00, 0xFF60) || within(0xFFE0, 0xFFE6) ||
                       within(0x1F300, 0x1F64F) || within(0x1F680, 0x1F6FF) || within(0x1F900, 0x1F9FF) ||
                       within(0x20000, 0x3FFFD);
  return is_wide ? 2 : 1;
}

std::string escaped(const Character& character) {
  switch (character.code_point) {
    case '\n':
      return "\\n";
    case '\r':
      return "\\r";
    case '\t':
      return "\\t";
    default:
      break;
  }
  if (!character.is_valid || character.code_point < 0x80) return fmt::format("\\x{:02x}", character.code_point);
  if (character.code_point <= 0xFFFF) return fmt::format("\\u{:04x}", character.code_point);
  return fmt::format("\\U{:08x}", character.code_point);
}

std::string escape_all(std::string_view text, std::size_t max_bytes, bool escape_quotes) {
  std::string out;
  std::size_t keep = 0;  // how much of `out` leaves room for the ellipsis
  while (!text.empty()) {
    const Character character = first_character(text);
    if (escape_quotes && character.code_point == '"' && character.is_valid) {
      out += "\\\"";
    } else if (character.is_valid && is_shown_as_it_is(character.code_point)) {
      out += text.substr(0, character.length);
    } else {
      out += escaped(character);
    }
    text.remove_prefix(character.length);
    if (out.size() > max_bytes) return out.erase(keep).append(max_bytes < kEllipsis.size() ? "" : kEllipsis);
    if (max_bytes >= kEllipsis.size() && out.size() <= max_bytes - kEllipsis.size()) keep = out.size();
  }
  return out;
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// The optimal string alignment distance, without regard to case.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), previous(b.size() + 1), current(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) previous[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    current[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const bool same = lower(a[i - 1]) == lower(b[j - 1]);
      current[j] = std::min({previous[j] + 1, current[j - 1] + 1, previous[j - 1] + (same ? 0 : 1)});
      const bool swapped = i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1]);
      if (swapped) current[j] = std::min(current[j], before[j - 2] + 1);
    }
    std::swap(before, previous);
    std::swap(previous, current);
  }
  return previous[b.size()];
}

}  // namespace

std::string printable(std::string_view text, std::size_t max_bytes) {
  return escape_all(text, max_bytes, false);
}

std::size_t columns(std::string_view text) {
  std::size_t total = 0;
  while (!text.empty()) {
    const Character character = first_character(text);
    total += columns_of(character.code_point);
    text.remove_prefix(character.length);
  }
  return total;
}

std::string in_quotes(std::string_view text, std::size_t max_bytes) {
  return "\"" + escape_all(text, max_bytes, true) + "\"";
}

std::optional<std::string_view> nearest(std::string_view word, std::span<const std::string_view> candidates) {
  constexpr std::size_t kLongestWord = 64;  // no key of ours is longer; a hostile one must not cost time
  if (word.empty() || word.size() > kLongestWord) return std::nullopt;
  std::optional<std::string_view> best;
  std::size_t best_distance = std::max<std::size_t>(1, word.size() / 3) + 1;
  for (const std::string_view candidate : candidates) {
    const std::size_t found = distance(word, candidate);
    // As many changes as there are letters make any word of any other.
    if (found < best_distance && found < std::max(word.size(), candidate.size())) {
      best = candidate;
      best_distance = found;
    }
  }
  return best;
}

}  // namespace shim
