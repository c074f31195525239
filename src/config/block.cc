#include "config/block.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <unordered_set>
#include <utility>

#include "base/text.h"
#include "base/units.h"
#include "config/keys.h"
#include "image/match.h"

namespace shim::config {

namespace {

constexpr std::size_t kLongestSocketPath = 107;  // sockaddr_un::sun_path less its NUL
constexpr std::size_t kMostShown = 60;           // bytes of a value in a message
constexpr std::size_t kMostSuggested = 12;       // known keys listed where none is near

bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
}

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
}

// YAML 1.1's spellings, as Go's YAML library reads them.
std::optional<bool> parse_flag(std::string text) {
  const std::string_view rest = std::string_view(text).substr(std::min<std::size_t>(1, text.size()));
  const bool is_upper = std::ranges::all_of(rest, [](char c) { return c >= 'A' && c <= 'Z'; });
  const bool is_lower = std::ranges::all_of(rest, [](char c) { return c >= 'a' && c <= 'z'; });
  if (!is_upper && !is_lower) return std::nullopt;
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  if (text == "true" || text == "yes" || text == "on") return true;
  if (text == "false" || text == "no" || text == "off") return false;
  return std::nullopt;
}

// `key` as far as it can be shown: what follows a `:` may be a password whose line lacks a space.
std::string shown_key(std::string_view key) {
  const auto end = std::ranges::find_if_not(key, is_name_character);
  const std::string_view shown(key.begin(), end);
  return shown.size() == key.size() ? in_quotes(key) : in_quotes(std::string(shown) + "…");
}

}  // namespace

std::string alternatives(const std::vector<std::string_view>& names) {
  std::string result;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i > 0) result += i + 1 == names.size() ? " or " : ", ";
    result += names[i];
  }
  return result;
}

Block::Block(const Node& node, std::string path, const Reading& reading, Holds holds)
    : node_(node), path_(std::move(path)), reading_(reading), holds_(holds) {
  for (const Node::Member& member : node.members) members_.try_emplace(member.key, &member);
}

std::string Block::path_of(std::string_view key) const {
  return path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key);
}

Place Block::place_of(std::string_view key) const {
  const auto found = members_.find(key);
  return found == members_.end() ? node_.place() : found->second->place();
}

const Node* Block::find(std::string_view key) {
  if (std::ranges::find(known_, key) == known_.end()) known_.push_back(key);
  if (reading_.paths != nullptr) reading_.paths->insert(path_of(key));
  const auto found = members_.find(key);
  if (found == members_.end() || found->second->value->kind == Node::Kind::null) return nullptr;
  return found->second->value;
}

void Block::error(std::string_view key, std::string message) {
  reading_.diagnostics.error(place_of(key), path_of(key), std::move(message));
}

void Block::warning(std::string_view key, std::string message) {
  reading_.diagnostics.warning(place_of(key), path_of(key), std::move(message));
}

void Block::mismatch(const Text& text, std::string_view expected) {
  reading_.diagnostics.error(text.place, text.path, fmt::format("expected {}, got {}", expected, text.shown));
}

void Block::error_at(const Text& text, std::string message) {
  reading_.diagnostics.error(text.place, text.path, std::move(message));
}

Expected<void> Block::check_variables(std::string_view text) const {
  if (reading_.variables == nullptr) return {};
  for (const std::string_view name : variables_of(text)) {
    const bool is_allowed = std::ranges::any_of(
        *reading_.variables, [name](const std::string& glob) { return image::glob_matches(glob, name); });
    if (is_allowed) continue;
    const std::string globs =
        reading_.variables->empty() ? "none" : fmt::format("{}", fmt::join(*reading_.variables, ", "));
    return fail(fmt::format("the variable {} may not be named here; allowed: {} (configMap.env of the node's file)",
                            printable(name, kMostShown), globs));
  }
  return {};
}

std::optional<Text> Block::text_of(const Node& node, std::string path, std::string_view expected, bool is_expanded) {
  const auto refuse = [&](std::string message) {
    reading_.diagnostics.error(node.place(), path, std::move(message));
    return std::nullopt;
  };
  if (node.kind != Node::Kind::scalar)
    return refuse(fmt::format("expected {}, got {}", expected, kind_name(node.kind)));
  const bool is_shown = holds_ == Holds::plain_values;
  Text text{node.text, is_shown ? in_quotes(node.text, kMostShown) : "a value that is not shown", path, node.place(),
            false};
  if (is_expanded) {
    if (auto allowed = check_variables(node.text); !allowed) return refuse(std::move(allowed.error().message));
    Expected<std::string> expanded = expand(node.text, reading_.environment);
    if (!expanded) return refuse(std::move(expanded.error().message));
    text.value = std::move(*expanded);
    text.has_variables = text.value != node.text;
  }
  if (std::ranges::any_of(text.value, is_control)) return refuse("a control character or line break is not allowed");
  return text;
}

std::optional<Text> Block::text(std::string_view key, std::string_view expected) {
  const Node* node = find(key);
  if (node == nullptr) return std::nullopt;
  return text_of(*node, path_of(key), expected, true);
}

std::optional<Text> Block::unexpanded_text(std::string_view key, std::string_view expected) {
  const Node* node = find(key);
  if (node == nullptr) return std::nullopt;
  return text_of(*node, path_of(key), expected, false);
}

Secret Block::secret(std::string_view key) {
  std::optional<Text> written = text(key);
  return written ? Secret(std::move(written->value)) : Secret();
}

std::optional<std::vector<Text>> Block::texts(std::string_view key) {
  const Node* node = find(key);
  if (node == nullptr) return std::nullopt;
  std::vector<Text> result;
  if (node->kind == Node::Kind::scalar) {
    if (auto single = text_of(*node, path_of(key), "a list", true)) result.push_back(std::move(*single));
    return result;
  }
  if (node->kind != Node::Kind::list) {
    error(key, fmt::format("expected a list, got {}", kind_name(node->kind)));
    return std::nullopt;
  }
  for (std::size_t i = 0; i < node->items.size(); ++i) {
    auto item = text_of(*node->items[i], fmt::format("{}[{}]", path_of(key), i), "text", true);
    if (item) result.push_back(std::move(*item));
  }
  return result;
}

Block Block::block(std::string_view key, Holds holds) {
  static const Node nothing;
  const Node* node = find(key);
  if (node == nullptr) return Block(nothing, path_of(key), reading_, holds);
  if (node->kind != Node::Kind::block) {
    error(key, fmt::format("expected a block of keys, got {}", kind_name(node->kind)));
    return Block(nothing, path_of(key), reading_, holds);
  }
  return Block(*node, path_of(key), reading_, holds);
}

std::vector<Block> Block::blocks(std::string_view key, std::string_view expected) {
  std::vector<Block> result;
  const Node* node = find(key);
  if (node == nullptr) return result;
  if (node->kind != Node::Kind::list) {
    error(key, fmt::format("expected a list, got {}", kind_name(node->kind)));
    return result;
  }
  for (std::size_t i = 0; i < node->items.size(); ++i) {
    const Node& item = *node->items[i];
    std::string path = fmt::format("{}[{}]", path_of(key), i);
    if (item.kind == Node::Kind::block) {
      result.emplace_back(item, std::move(path), reading_);
    } else {
      reading_.diagnostics.error(item.place(), path,
                                 fmt::format("expected {}, got {}", expected, kind_name(item.kind)));
    }
  }
  return result;
}

void Block::flag(std::string_view key, bool& value) {
  const std::optional<Text> written = text(key, "true or false");
  if (!written) return;
  if (const std::optional<bool> parsed = parse_flag(written->value)) {
    value = *parsed;
  } else {
    mismatch(*written, "true or false");
  }
}

void Block::number(std::string_view key, int& value) {
  const auto& [least, most] = number_bounds(path_of(key));
  const std::string expected = fmt::format("a number from {} to {}", least, most);
  const std::optional<Text> written = text(key, expected);
  if (!written) return;
  int parsed = 0;
  const char* end = written->value.data() + written->value.size();
  const auto [stopped, code] = std::from_chars(written->value.data(), end, parsed);
  if (code != std::errc() || stopped != end || parsed < least || parsed > most) return mismatch(*written, expected);
  value = parsed;
}

void Block::duration(std::string_view key, std::chrono::nanoseconds& value) {
  const DurationBounds& bounds = duration_bounds(path_of(key));
  const std::optional<Text> written = text(key, "a duration such as 15m, 1m30s or 500ms");
  if (!written) return;
  const Expected<std::chrono::nanoseconds> parsed = parse_duration(written->value);
  if (!parsed) return mismatch(*written, "a duration such as 15m, 1m30s or 500ms");
  const bool is_zero = *parsed == std::chrono::nanoseconds::zero();
  if (is_zero && bounds.zero_is_allowed) {
    value = *parsed;
  } else if (*parsed < bounds.least || *parsed > bounds.most) {
    mismatch(*written, fmt::format("a duration from {} to {}{}", format_duration(bounds.least),
                                   format_duration(bounds.most), bounds.zero_is_allowed ? ", or 0" : ""));
  } else {
    value = *parsed;
  }
}

void Block::size(std::string_view key, std::uint64_t& value) {
  const auto& [least, most] = size_bounds(path_of(key));
  const std::optional<Text> written = text(key, "a size such as 16Mi");
  if (!written) return;
  const Expected<std::uint64_t> parsed = parse_size(written->value);
  if (!parsed) return mismatch(*written, "a size such as 16Mi");
  if (*parsed < least || *parsed > most) {
    return mismatch(*written, fmt::format("a size from {} to {}", format_size(least), format_size(most)));
  }
  value = *parsed;
}

void Block::file(std::string_view key, std::string& value) {
  const std::optional<Text> written = text(key, "an absolute path");
  if (!written) return;
  if (!written->value.starts_with('/')) return mismatch(*written, "an absolute path");
  value = written->value;
}

void Block::optional_file(std::string_view key, std::string& value) {
  const Node* node = find(key);
  if (node != nullptr && node->kind == Node::Kind::scalar && node->text.empty()) {
    value.clear();
  } else {
    file(key, value);
  }
}

void Block::socket(std::string_view key, std::string& value) {
  constexpr std::string_view kExpected = "the absolute path of a socket (or unix:///path)";
  constexpr std::string_view kScheme = "unix://";
  const std::optional<Text> written = text(key, kExpected);
  if (!written) return;
  std::string_view path = written->value;
  if (path.starts_with(kScheme)) path.remove_prefix(kScheme.size());
  if (!path.starts_with('/') || path.ends_with('/')) return mismatch(*written, kExpected);
  if (path.size() > kLongestSocketPath) {
    return error(key,
                 fmt::format("the path has {} bytes; a unix socket's has at most {}", path.size(), kLongestSocketPath));
  }
  value = path;
}

void Block::report_unknown(const Node::Member& member) {
  if (path_.empty() && member.key.starts_with("x-")) return;  // a place for anchors, as in Compose files
  const std::optional<std::string_view> meant = nearest(member.key, known_);
  const std::string key = holds_ == Holds::secrets ? "unknown key" : "unknown key " + shown_key(member.key);
  std::string hint;
  if (meant) {
    hint = fmt::format("did you mean \"{}\"?", *meant);
  } else if (member.key.find(':') != std::string::npos) {
    hint = "a space must follow the colon";
  } else if (known_.size() <= kMostSuggested) {
    hint = "known here: " + alternatives(known_);
  }
  const std::string message = hint.empty() ? key : fmt::format("{} ({})", key, hint);
  reading_.diagnostics.warning(member.place(), path_, message);
}

void Block::finish() {
  std::unordered_set<std::string_view> seen;
  for (const Node::Member& member : node_.members) {
    if (!seen.insert(member.key).second) {
      const Node::Member& first = *members_.at(member.key);
      const bool is_known = std::ranges::find(known_, member.key) != known_.end();
      const std::string key = is_known ? in_quotes(member.key) : holds_ == Holds::secrets ? "" : shown_key(member.key);
      const std::string where =
          first.source == member.source ? fmt::format("already on line {}", first.line) : "there twice";
      reading_.diagnostics.error(member.place(), path_,
                                 fmt::format("the key {}{}is {}", key, key.empty() ? "" : " ", where));
    } else if (std::ranges::find(known_, member.key) == known_.end()) {
      report_unknown(member);
    }
  }
}

}  // namespace shim::config
