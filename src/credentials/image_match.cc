#include "credentials/image_match.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>

namespace shim::credentials {
namespace {

struct Location {
  std::string_view host;  // without its port
  std::string_view port;
  std::string_view path;  // with its slash, or empty
};

Location location_of(std::string_view text) {
  const std::size_t slash = std::min(text.find('/'), text.size());
  Location location{text.substr(0, slash), {}, text.substr(slash)};
  const std::size_t colon = location.host.rfind(':');
  const bool has_port = colon != std::string_view::npos && location.host.find(']', colon) == std::string_view::npos;
  if (has_port) {
    location.port = location.host.substr(colon + 1);
    location.host = location.host.substr(0, colon);
  }
  return location;
}

// Without its first label, which goes to `label`; nothing where there is none left.
bool next_label(std::optional<std::string_view>& rest, std::string_view& label) {
  if (!rest) return false;
  const std::size_t dot = rest->find('.');
  label = rest->substr(0, dot);
  rest = dot == std::string_view::npos ? std::nullopt : std::optional(rest->substr(dot + 1));
  return true;
}

// The next character of a class, `\` taken away; false at its end, where the class is malformed.
bool take_character(std::string_view& glob, char& character) {
  if (glob.starts_with('\\')) glob.remove_prefix(1);
  if (glob.empty()) return false;
  character = glob.front();
  glob.remove_prefix(1);
  return true;
}

// `glob` begins behind the `[`, and is left behind the `]`. False where `c` is not of the class or the class malformed.
bool matches_class(std::string_view& glob, char c) {
  const bool is_negated = glob.starts_with('^');
  if (is_negated) glob.remove_prefix(1);
  bool is_member = false;
  for (bool is_first = true; is_first || !glob.starts_with(']'); is_first = false) {
    char low = 0;
    if (glob.empty() || glob.front() == '-' || glob.front() == ']' || !take_character(glob, low)) return false;
    char high = low;
    if (glob.starts_with('-')) {
      glob.remove_prefix(1);
      if (glob.empty() || !take_character(glob, high)) return false;
    }
    is_member = is_member || (low <= c && c <= high);
  }
  glob.remove_prefix(1);
  return is_member != is_negated;
}

// The part of the glob that means one character, against `c`; it is taken from the glob.
bool matches_one(std::string_view& glob, char c) {
  const char first = glob.front();
  glob.remove_prefix(1);
  if (first == '?') return true;
  if (first == '[') return matches_class(glob, c);
  if (first != '\\') return first == c;
  if (glob.empty()) return false;
  const bool is_same = glob.front() == c;
  glob.remove_prefix(1);
  return is_same;
}

}  // namespace

bool matches_label(std::string_view glob, std::string_view label) {
  std::string_view glob_after_star;
  std::optional<std::string_view> label_after_star;  // where the last `*` may end next
  for (;;) {
    if (glob.starts_with('*')) {
      glob.remove_prefix(1);
      glob_after_star = glob;
      label_after_star = label;
      continue;
    }
    if (glob.empty() && label.empty()) return true;
    if (!glob.empty() && !label.empty() && matches_one(glob, label.front())) {
      label.remove_prefix(1);
      continue;
    }
    if (!label_after_star || label_after_star->empty()) return false;
    label_after_star->remove_prefix(1);
    glob = glob_after_star;
    label = *label_after_star;
  }
}

bool matches_image(std::string_view pattern, std::string_view image) {
  if (!is_image_pattern(pattern)) return false;
  const Location glob = location_of(pattern);
  const Location target = location_of(image);
  if (glob.port != target.port || !target.path.starts_with(glob.path)) return false;
  std::optional<std::string_view> glob_rest = glob.host;
  std::optional<std::string_view> target_rest = target.host;
  std::string_view glob_label;
  std::string_view target_label;
  while (next_label(glob_rest, glob_label)) {
    if (!next_label(target_rest, target_label) || !matches_label(glob_label, target_label)) return false;
  }
  return !target_rest;
}

bool is_image_pattern(std::string_view text) {
  const Location location = location_of(text);
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  const auto is_visible = [](char c) { return c > ' ' && c < '\x7f'; };
  return !location.host.empty() && std::ranges::all_of(location.port, is_digit) && std::ranges::all_of(text, is_visible);
}

}  // namespace shim::credentials
