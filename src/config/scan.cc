#include "config/scan.h"

#include <algorithm>

namespace shim::config {

namespace {

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool begins_comment(std::string_view text, std::size_t at) {
  return text[at] == '#' && (at == 0 || is_space(text[at - 1]));
}

std::size_t skip_properties(std::string_view text, std::size_t at, std::size_t limit) {
  while (at < limit && (text[at] == '&' || text[at] == '!')) {
    while (at < limit && !is_space(text[at])) ++at;
    at = skip_space(text, at, limit);
  }
  return at;
}

// `at` is the opening quote.
std::size_t end_of_quoted(std::string_view text, std::size_t at, std::size_t limit) {
  const char quote = text[at++];
  while (at < limit) {
    const char c = text[at++];
    if (quote == '"' && c == '\\') {
      ++at;
    } else if (c == quote) {
      if (quote == '"' || at >= limit || text[at] != quote) return at;
      ++at;  // '' is a quote
    }
  }
  return limit;
}

std::size_t indent_of_line(std::string_view text, std::size_t begin) {
  const std::size_t first = text.find_first_not_of(' ', begin);
  return (first == std::string_view::npos ? text.size() : first) - begin;
}

// `at` is the `|` or `>`. The content is what is indented as its first line that is not blank, or deeper.
std::size_t end_of_block_scalar(std::string_view text, std::size_t at, bool is_empty, std::size_t limit) {
  std::size_t end = line_end(text, at);
  if (is_empty) return end;
  std::size_t indent = 0;
  for (std::size_t line = next_line(text, at); line < limit; line = next_line(text, line)) {
    if (skip_space(text, line, line_end(text, line)) == line_end(text, line) &&
        text.substr(line, line_end(text, line) - line).find('#') == std::string_view::npos) {
      continue;  // blank
    }
    const std::size_t own = indent_of_line(text, line);
    if (indent == 0) indent = std::max<std::size_t>(own, 1);
    if (own < indent) break;
    end = line_end(text, line);
  }
  return std::min(end, limit);
}

}  // namespace

std::size_t line_begin(std::string_view text, std::size_t at) {
  const std::size_t before = at == 0 ? std::string_view::npos : text.rfind('\n', at - 1);
  return before == std::string_view::npos ? 0 : before + 1;
}

std::size_t line_end(std::string_view text, std::size_t at) {
  const std::size_t end = text.find('\n', at);
  if (end == std::string_view::npos) return text.size();
  return end > at && text[end - 1] == '\r' ? end - 1 : end;
}

std::size_t next_line(std::string_view text, std::size_t at) {
  const std::size_t end = text.find('\n', at);
  return end == std::string_view::npos ? text.size() : end + 1;
}

std::size_t skip_space(std::string_view text, std::size_t at, std::size_t limit) {
  while (at < limit && (is_space(text[at]) || begins_comment(text, at))) {
    at = is_space(text[at]) ? at + 1 : line_end(text, at);
  }
  return std::min(at, limit);
}

std::size_t end_of_content(std::string_view text, std::size_t at, bool scalar_is_empty, std::size_t limit) {
  std::size_t end = at;
  const std::size_t scalar = skip_properties(text, at, limit);
  if (scalar < limit && (text[scalar] == '"' || text[scalar] == '\'')) {
    at = end = end_of_quoted(text, scalar, limit);
  } else if (scalar < limit && (text[scalar] == '|' || text[scalar] == '>')) {
    at = end = end_of_block_scalar(text, scalar, scalar_is_empty, limit);
  }
  for (at = skip_space(text, at, limit); at < limit; at = skip_space(text, at, limit)) end = ++at;
  return end;
}

}  // namespace shim::config
