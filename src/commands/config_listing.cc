#include "commands/config_listing.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <sstream>
#include <vector>

#include "base/text.h"

namespace shim::commands {
namespace {

using observe::ConfigReport;

constexpr std::size_t kGap = 2;
constexpr std::size_t kFarthestComment = 60;  // columns; lines that are longer have it behind their end
constexpr std::string_view kQuiet = "\x1b[2m";
constexpr std::string_view kWarning = "\x1b[33m";
constexpr std::string_view kPlain = "\x1b[0m";

std::string comment(const std::string& text, std::string_view colour, const Terminal& terminal) {
  const std::string shown = "# " + printable(text);
  return terminal.has_colours ? fmt::format("{}{}{}", colour, shown, kPlain) : shown;
}

// What the values on each line of the YAML come from, each origin once.
std::map<int, std::string> origins_by_line(const ConfigReport& report) {
  std::map<int, std::vector<std::string>> texts;
  for (const config::Setting& setting : report.settings) {
    std::vector<std::string>& of_line = texts[setting.printed_line];
    std::string text = origin_text(report, setting.origin);
    if (std::ranges::find(of_line, text) == of_line.end()) of_line.push_back(std::move(text));
  }
  std::map<int, std::string> joined;
  for (const auto& [line, of_line] : texts) joined[line] = fmt::format("{}", fmt::join(of_line, ", "));
  return joined;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(printable(line));
  return lines;
}

std::size_t comment_column(const std::vector<std::string>& lines, const Terminal& terminal) {
  std::size_t widest = 0;
  if (terminal.columns == 0) return widest;
  for (const std::string& line : lines) {
    const std::size_t width = columns(line);
    if (width + kGap <= kFarthestComment) widest = std::max(widest, width + kGap);
  }
  return widest;
}

}  // namespace

std::string config_listing(const ConfigReport& report, const Terminal& terminal) {
  std::string text = comment(report.file, kQuiet, terminal) + "\n";
  for (const std::string& difference : report.differences) text += comment(difference, kWarning, terminal) + "\n";
  const std::map<int, std::string> origins = origins_by_line(report);
  const std::vector<std::string> lines = lines_of(report.yaml);
  const std::size_t column = comment_column(lines, terminal);
  int number = 0;
  for (const std::string& line : lines) {
    text += line;
    if (const auto found = origins.find(++number); found != origins.end()) {
      const std::size_t width = columns(line);
      text += std::string(std::max(width + kGap, column) - width, ' ') + comment(found->second, kQuiet, terminal);
    }
    text += "\n";
  }
  return text;
}

}  // namespace shim::commands
