#include "commands/text_layout.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace shim::commands {
namespace {

constexpr std::string_view kCutOff = "…";

bool is_continuation(char octet) {
  return (static_cast<unsigned char>(octet) & 0xC0U) == 0x80U;
}

}  // namespace

std::vector<std::string> wrapped(std::string_view text, std::size_t width) {
  if (width == 0 || columns(text) <= width) return {std::string(text)};
  std::vector<std::string> lines(1);
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(text.size(), word.size() + 1));
    std::string& line = lines.back();
    if (line.empty()) {
      line = word;
    } else if (columns(line) + 1 + columns(word) <= width) {
      line.append(" ").append(word);
    } else {
      lines.emplace_back(word);
    }
  }
  return lines;
}

std::string coloured(std::string text, Tone tone, const Terminal& terminal) {
  if (!terminal.has_colours || tone == Tone::plain) return text;
  const std::string_view code = tone == Tone::good ? "1;32" : tone == Tone::bad ? "31" : "2";
  return fmt::format("\x1b[{}m{}\x1b[0m", code, text);
}

std::string paragraph(std::string_view text, Tone tone, const Terminal& terminal, std::size_t indent) {
  const std::size_t width = terminal.columns > indent ? terminal.columns - indent : 0;
  std::string paragraph;
  for (std::string& line : wrapped(text, width)) {
    if (!paragraph.empty()) paragraph.append(indent, ' ');
    paragraph += coloured(std::move(line), tone, terminal) + "\n";
  }
  return paragraph;
}

std::string shortened(std::string_view text, std::size_t width) {
  if (columns(text) <= width) return std::string(text);
  std::string kept(text);
  while (!kept.empty() && columns(kept) + 1 > width) {
    while (is_continuation(kept.back())) kept.pop_back();
    kept.pop_back();
  }
  return kept.append(kCutOff);
}

}  // namespace shim::commands
