#include "commands/finding.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>

#include "base/text.h"

namespace shim::commands {
namespace {

constexpr std::string_view kIndent = "    ";

std::string_view sign_of(Finding::Mark mark) {
  switch (mark) {
    case Finding::Mark::good:
      return "✓";
    case Finding::Mark::warning:
      return "!";
    case Finding::Mark::bad:
      break;
  }
  return "✗";
}

std::string_view word_of(Finding::Mark mark) {
  switch (mark) {
    case Finding::Mark::good:
      return "ok";
    case Finding::Mark::warning:
      return "warning";
    case Finding::Mark::bad:
      break;
  }
  return "failed";
}

std::string indented(std::string_view lines) {
  std::string text;
  while (!lines.empty()) {
    const std::size_t end = std::min(lines.find('\n'), lines.size());
    if (end > 0) text += fmt::format("{}{}", kIndent, printable(lines.substr(0, end)));
    text += '\n';
    lines.remove_prefix(std::min(end + 1, lines.size()));
  }
  return text;
}

}  // namespace

std::string findings_text(std::span<const Finding> findings) {
  std::string text;
  for (const Finding& finding : findings) {
    text += fmt::format("{} {}: {}\n{}", sign_of(finding.mark), printable(finding.subject), printable(finding.what),
                        indented(finding.hint));
  }
  return text;
}

std::string findings_json(std::span<const Finding> findings) {
  using nlohmann::ordered_json;
  constexpr int kJsonIndent = 2;
  ordered_json array = ordered_json::array();
  for (const Finding& finding : findings) {
    ordered_json object = {{"mark", word_of(finding.mark)}, {"subject", finding.subject}, {"what", finding.what}};
    if (!finding.hint.empty()) object["hint"] = finding.hint;
    array.push_back(std::move(object));
  }
  return array.dump(kJsonIndent, ' ', true, ordered_json::error_handler_t::replace) + "\n";
}

bool has_failed(std::span<const Finding> findings) {
  return std::ranges::any_of(findings, [](const Finding& finding) { return finding.mark == Finding::Mark::bad; });
}

}  // namespace shim::commands
