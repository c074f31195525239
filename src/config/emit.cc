#include "config/emit.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

namespace shim::config {

namespace {

enum class Quoting {
  for_yaml,   // where a plain scalar would be something else than this text
  for_types,  // also where a library that knows types would read no text
};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_alphanumeric(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// Fewer than YAML allows, and none that ends a plain scalar.
bool is_plain(std::string_view text) {
  constexpr std::string_view kWithin = "_-./:@%+=$,{}*~";
  if (text.empty() || text.ends_with(':')) return false;
  if (!is_alphanumeric(text.front()) && text.front() != '/' && text.front() != '$' && text.front() != '_') return false;
  return std::ranges::all_of(text, [&](char c) { return is_alphanumeric(c) || kWithin.find(c) != kWithin.npos; });
}

bool is_one_of(std::string text, std::initializer_list<std::string_view> words) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return std::ranges::find(words, text) != words.end();
}

bool needs_quotes(std::string_view text, Quoting quoting) {
  if (!is_plain(text) || is_one_of(std::string(text), {"null"})) return true;
  if (quoting == Quoting::for_yaml) return false;
  return is_digit(text.front()) || is_one_of(std::string(text), {"true", "false", "yes", "no", "on", "off", "y", "n"});
}

// Bytes of a character at the front of `text` that must not stand in a file as it is: C1 controls, line and paragraph
// separators, the byte order mark; 0 where it may.
std::size_t special_length(std::string_view text) {
  if (text.size() >= 2 && text[0] == '\xC2' && static_cast<unsigned char>(text[1]) < 0xA0) return 2;
  if (text.starts_with("\xE2\x80\xA8") || text.starts_with("\xE2\x80\xA9") || text.starts_with("\xEF\xBB\xBF"))
    return 3;
  return 0;
}

unsigned int code_point(std::string_view sequence) {
  unsigned int code = static_cast<unsigned char>(sequence[0]) & (sequence.size() == 2 ? 0x1FU : 0x0FU);
  for (const char c : sequence.substr(1)) code = code << 6U | (static_cast<unsigned char>(c) & 0x3FU);
  return code;
}

std::string in_double_quotes(std::string_view text) {
  std::string result = "\"";
  while (!text.empty()) {
    const char c = text.front();
    std::size_t length = 1;
    if (c == '"' || c == '\\') {
      result += '\\';
      result += c;
    } else if (c == '\n') {
      result += "\\n";
    } else if (c == '\t') {
      result += "\\t";
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      fmt::format_to(std::back_inserter(result), "\\x{:02x}", static_cast<unsigned int>(c));
    } else if (const std::size_t special = special_length(text); special > 0) {
      length = special;
      fmt::format_to(std::back_inserter(result), "\\u{:04x}", code_point(text.substr(0, special)));
    } else {
      result += c;
    }
    text.remove_prefix(length);
  }
  return result + '"';
}

std::string scalar(std::string_view text, Quoting quoting) {
  return needs_quotes(text, quoting) ? in_double_quotes(text) : std::string(text);
}

Quoting quoting_of(std::string_view key) {
  constexpr std::array<std::string_view, 4> kTexts = {"auth", "username", "password", "identityToken"};
  return std::ranges::find(kTexts, key) == kTexts.end() ? Quoting::for_yaml : Quoting::for_types;
}

bool is_set(const Node::Member& member) {
  return member.value->kind != Node::Kind::null;
}

void append(std::vector<std::string>& lines, std::vector<std::string> more) {
  std::ranges::move(more, std::back_inserter(lines));
}

// The lines of an item, its dash in the indent of the first.
std::vector<std::string> emit_item(std::string_view key, const Node& item, int indent) {
  const std::string dash = std::string(static_cast<std::size_t>(indent), ' ') + "- ";
  if (is_inline(item)) return {dash + emit_inline(key, item)};
  std::vector<std::string> lines = emit_lines(key, item, indent + 2);
  lines.front().replace(0, dash.size(), dash);
  return lines;
}

}  // namespace

bool is_inline(const Node& node) {
  switch (node.kind) {
    case Node::Kind::null:
    case Node::Kind::scalar:
      return true;
    case Node::Kind::list:
      return node.items.empty();
    case Node::Kind::block:
      return std::ranges::none_of(node.members, is_set);
  }
  return true;
}

std::string emit_inline(std::string_view key, const Node& node) {
  switch (node.kind) {
    case Node::Kind::null:
      return "null";
    case Node::Kind::scalar:
      return scalar(node.text, quoting_of(key));
    case Node::Kind::list:
      return "[]";
    case Node::Kind::block:
      return "{}";
  }
  return "";
}

std::vector<std::string> emit_lines(std::string_view key, const Node& node, int indent) {
  std::vector<std::string> lines;
  for (const Node* item : node.items) append(lines, emit_item(key, *item, indent));
  for (const Node::Member& member : node.members) {
    if (is_set(member)) append(lines, emit_member(member.key, *member.value, indent));
  }
  return lines;
}

std::vector<std::string> emit_member(std::string_view key, const Node& node, int indent) {
  std::string line = std::string(static_cast<std::size_t>(indent), ' ') + scalar(key, Quoting::for_yaml) + ':';
  if (is_inline(node)) return {line + ' ' + emit_inline(key, node)};
  std::vector<std::string> lines = {std::move(line)};
  append(lines, emit_lines(key, node, node.kind == Node::Kind::list ? indent : indent + 2));
  return lines;
}

}  // namespace shim::config
