#include "config/environment.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

namespace shim::config {

namespace {

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_variable_name(std::string_view name) {
  return !name.empty() && is_letter(name.front()) &&
         std::ranges::all_of(name, [](char c) { return is_letter(c) || is_digit(c); });
}

// `inside` is what stands between `${` and `}`.
Expected<std::string> value_of(std::string_view inside, const Environment& environment) {
  const std::size_t separator = inside.find(":-");
  const std::string_view name = inside.substr(0, separator);
  if (!is_variable_name(name)) {
    return fail("${…} must hold a variable name (letters, digits, _); write $${ for a literal ${");
  }
  const std::optional<std::string> value = environment(name);
  if (separator != std::string_view::npos) {
    return value && !value->empty() ? *value : std::string(inside.substr(separator + 2));
  }
  if (!value) return fail(fmt::format("the environment variable {0} is not set (${{{0}:-}} allows that)", name));
  return *value;
}

}  // namespace

Environment process_environment() {
  return [](std::string_view name) -> std::optional<std::string> {
    const char* value = std::getenv(std::string(name).c_str());
    if (value == nullptr) return std::nullopt;
    return value;
  };
}

Expected<std::string> expand(std::string_view text, const Environment& environment) {
  std::string result;
  while (true) {
    const std::size_t at = text.find("${");
    result += text.substr(0, at);
    if (at == std::string_view::npos) return result;
    text.remove_prefix(at + 2);
    if (!result.empty() && result.back() == '$' && at > 0) {
      result += '{';  // `$${`: one `$` is already there
      continue;
    }
    const std::size_t end = text.find('}');
    if (end == std::string_view::npos) return fail("a ${ without its }; write $${ for a literal ${");
    Expected<std::string> value = value_of(text.substr(0, end), environment);
    if (!value) return std::unexpected(value.error());
    result += *value;
    text.remove_prefix(end + 1);
  }
}

std::vector<std::string_view> variables_of(std::string_view text) {
  std::vector<std::string_view> names;
  while (true) {
    const std::size_t at = text.find("${");
    if (at == std::string_view::npos) return names;
    const bool is_literal = at > 0 && text[at - 1] == '$';
    text.remove_prefix(at + 2);
    if (is_literal) continue;
    const std::size_t end = text.find('}');
    if (end == std::string_view::npos) return names;
    const std::string_view inside = text.substr(0, end);
    names.push_back(inside.substr(0, inside.find(":-")));
    text.remove_prefix(end + 1);
  }
}

std::string escape_variables(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '$' && i + 1 < text.size() && text[i + 1] == '{') result += '$';
    result += text[i];
  }
  return result;
}

}  // namespace shim::config
