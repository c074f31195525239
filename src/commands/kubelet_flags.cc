#include "commands/kubelet_flags.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>

namespace shim::commands {
namespace {

// One `NAME=value` line: where the value stands, without its quotes.
struct Assignment {
  std::size_t begin = 0;
  std::size_t end = 0;
  char quote = '\0';
};

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

// The last one, as for systemd.
std::optional<Assignment> find_assignment(std::string_view text, std::string_view variable) {
  std::optional<Assignment> found;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view line = trimmed(text.substr(begin, end - begin));
    const std::size_t equals = line.find('=');
    if (equals != std::string_view::npos && line.substr(0, equals) == variable) {
      const std::string_view value = trimmed(line.substr(equals + 1));
      const auto at = value.empty() ? static_cast<std::size_t>(line.data() - text.data()) + equals + 1
                                    : static_cast<std::size_t>(value.data() - text.data());
      const bool is_quoted =
          value.size() >= 2 && value.front() == value.back() && (value.front() == '"' || value.front() == '\'');
      found = is_quoted ? Assignment{at + 1, at + value.size() - 1, value.front()} : Assignment{at, at + value.size()};
    }
    begin = end + 1;
  }
  return found;
}

std::vector<std::string> words_of(std::string_view value) {
  std::vector<std::string> words;
  for (std::size_t at = value.find_first_not_of(" \t"); at != std::string_view::npos;) {
    const std::size_t end = std::min(value.find_first_of(" \t", at), value.size());
    words.emplace_back(value.substr(at, end - at));
    at = value.find_first_not_of(" \t", end);
  }
  return words;
}

// The flag's words, in both spellings, taken out; where it stood first.
std::size_t take_out(std::vector<std::string>& words, const std::string& flag) {
  std::size_t place = words.size();
  for (std::size_t at = 0; at < words.size();) {
    const bool has_value = words[at].starts_with(flag + "=");
    if (!has_value && words[at] != flag) {
      ++at;
      continue;
    }
    place = std::min(place, at);
    const std::size_t count = has_value || at + 1 == words.size() ? 1 : 2;
    words.erase(words.begin() + static_cast<std::ptrdiff_t>(at),
                words.begin() + static_cast<std::ptrdiff_t>(at + count));
  }
  return std::min(place, words.size());
}

}  // namespace

std::optional<std::string> flag_value(const std::vector<std::string>& arguments, std::string_view name) {
  const std::string flag = fmt::format("--{}", name);
  std::optional<std::string> value;
  for (std::size_t at = 0; at < arguments.size(); ++at) {
    const std::string& argument = arguments[at];
    if (argument.starts_with(flag + "=")) value = argument.substr(flag.size() + 1);
    if (argument == flag && at + 1 < arguments.size()) value = arguments[at + 1];
  }
  return value;
}

std::optional<std::vector<std::string>> flags_in(std::string_view text, std::string_view variable) {
  const auto assignment = find_assignment(text, variable);
  if (!assignment) return std::nullopt;
  return words_of(text.substr(assignment->begin, assignment->end - assignment->begin));
}

Expected<std::string> with_flag(std::string_view text, std::string_view variable, std::string_view name,
                                const std::string& value) {
  const std::string flag = fmt::format("--{}", name);
  const std::string word = value.empty() ? "" : fmt::format("{}={}", flag, value);
  const auto assignment = find_assignment(text, variable);
  if (!assignment) {
    if (value.empty()) return std::string(text);
    const std::string_view line_break = text.empty() || text.ends_with('\n') ? "" : "\n";
    return fmt::format("{}{}{}=\"{}\"\n", text, line_break, variable, word);
  }
  const std::string_view old = text.substr(assignment->begin, assignment->end - assignment->begin);
  if (old.find_first_of("\\\"'") != std::string_view::npos) {
    return fail(fmt::format("{} cannot be edited safely, as its value has quotes or backslashes within: {} by hand",
                            variable, value.empty() ? "remove " + flag : "write " + word));
  }
  std::vector<std::string> words = words_of(old);
  const std::vector<std::string> before = words;
  const std::size_t place = take_out(words, flag);
  if (!value.empty()) words.insert(words.begin() + static_cast<std::ptrdiff_t>(place), word);
  if (words == before) return std::string(text);
  const std::string_view quote = assignment->quote == '\0' ? "\"" : "";
  return fmt::format("{}{}{}{}{}", text.substr(0, assignment->begin), quote, fmt::join(words, " "), quote,
                     text.substr(assignment->end));
}

std::optional<int> minor_version(std::string_view said) {
  constexpr std::string_view kBefore = "Kubernetes v1.";
  if (!said.starts_with(kBefore)) return std::nullopt;
  int minor = 0;
  const std::string_view rest = said.substr(kBefore.size());
  if (std::from_chars(rest.data(), rest.data() + rest.size(), minor).ec != std::errc()) return std::nullopt;
  return minor;
}

}  // namespace shim::commands
