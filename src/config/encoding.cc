#include "config/encoding.h"

#include <algorithm>

namespace shim::config {

namespace {

struct Sequence {
  std::size_t length = 0;           // 0: no sequence begins with this byte
  unsigned char second_low = 0x80;  // bounds of the second byte; the others are 80–BF
  unsigned char second_high = 0xBF;
};

// RFC 3629 §4, the table of well-formed sequences.
Sequence sequence_of(unsigned char first) {
  if (first <= 0x7F) return {1};
  if (first >= 0xC2 && first <= 0xDF) return {2};
  if (first == 0xE0) return {3, 0xA0, 0xBF};
  if (first == 0xED) return {3, 0x80, 0x9F};
  if (first >= 0xE1 && first <= 0xEF) return {3};
  if (first == 0xF0) return {4, 0x90, 0xBF};
  if (first >= 0xF1 && first <= 0xF3) return {4};
  if (first == 0xF4) return {4, 0x80, 0x8F};
  return {};
}

bool is_well_formed(std::string_view bytes, const Sequence& sequence) {
  if (sequence.length == 0 || bytes.size() < sequence.length) return false;
  for (std::size_t i = 1; i < sequence.length; ++i) {
    const auto byte = static_cast<unsigned char>(bytes[i]);
    const unsigned char low = i == 1 ? sequence.second_low : 0x80;
    const unsigned char high = i == 1 ? sequence.second_high : 0xBF;
    if (byte < low || byte > high) return false;
  }
  return true;
}

}  // namespace

std::optional<std::size_t> find_invalid_utf8(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    const Sequence sequence = sequence_of(static_cast<unsigned char>(text[at]));
    if (!is_well_formed(text.substr(at), sequence)) return at;
    at += sequence.length;
  }
  return std::nullopt;
}

int line_at(std::string_view text, std::size_t offset) {
  return 1 + static_cast<int>(std::ranges::count(text.substr(0, offset), '\n'));
}

}  // namespace shim::config
