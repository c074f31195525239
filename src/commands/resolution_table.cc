#include "commands/resolution_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <ratio>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.h"
#include "base/units.h"
#include "commands/text_layout.h"

namespace shim::commands {
namespace {

using registry::Explanation;
using registry::Outcome;
using std::chrono::milliseconds;

// One line of the table, ready to be aligned.
struct Row {
  std::array<std::string, 5> cells;  // number, registry, priority, found, why
  bool is_marked = false;
  Tone tone = Tone::plain;
};
using Widths = std::array<std::size_t, 5>;

constexpr std::array<std::string_view, 5> kTitles{"#", "REGISTRY", "PRIORITY", "FOUND", "WHY"};
constexpr std::size_t kLast = kTitles.size() - 1;
constexpr std::array<bool, 5> kIsNumber{true, false, true, false, false};
constexpr std::string_view kGap = "  ";
constexpr std::size_t kMark = 2;              // columns before the first cell
constexpr std::size_t kNarrowestReason = 24;  // where the terminal leaves less, lines are longer than it is wide

// As exact as anybody needs it.
std::string time_text(milliseconds time) {
  using namespace std::chrono_literals;
  if (time < 1ms) return "<1ms";
  if (time < 1s) return format_duration(time);
  if (time < 10s) return format_duration(std::chrono::round<std::chrono::duration<long, std::deci>>(time));
  return format_duration(std::chrono::round<std::chrono::seconds>(time));
}

std::string_view words_of(Outcome::Kind kind) {
  switch (kind) {
    case Outcome::Kind::holds:
      return "has it";
    case Outcome::Kind::absent:
      return "has it not";
    case Outcome::Kind::other_platform:
      return "other platform";
    case Outcome::Kind::refused:
      return "refused";
    case Outcome::Kind::unreachable:
      return "unreachable";
    case Outcome::Kind::failed:
      return "failed";
    case Outcome::Kind::not_asked:
      return "not asked";
    case Outcome::Kind::pull_failed:
      return "pull failed";
  }
  return "?";
}

bool is_left_out(const Explanation::Line& line) {
  return line.circuit && line.circuit->is_open;
}

std::string found_text(const Explanation::Line& line) {
  std::string text(words_of(line.kind));
  if (line.known_for) return text + fmt::format(", known for {}", time_text(*line.known_for));
  if (line.answered_in) return text + fmt::format(", {}", time_text(*line.answered_in));
  return is_left_out(line) ? "left out" : text;
}

std::string circuit_text(const Explanation::Line& line) {
  const Explanation::Circuit& circuit = *line.circuit;
  std::string text = printable(circuit.reason) + " (circuit open";
  if (circuit.open_for) text += " for " + time_text(*circuit.open_for);
  if (circuit.next_check_in) text += ", next check in " + time_text(*circuit.next_check_in);
  return text + ")";
}

// What the registry said comes first, as it is what somebody can mend; but for the chosen one.
std::string why_text(const Explanation::Line& line) {
  std::string said = is_left_out(line) ? circuit_text(line) : printable(line.reason);
  std::string verdict = printable(line.verdict);
  if (line.is_chosen) std::swap(said, verdict);
  if (said.empty() || verdict.empty()) return said + verdict;
  return said + "; " + verdict;
}

std::string registry_text(const Explanation::Line& line) {
  std::string text = printable(line.registry);
  if (line.is_offline) text += " (offline)";
  if (line.is_original && !line.priority) text += " (original)";
  return text;
}

Tone tone_of(const Explanation::Line& line) {
  if (line.is_chosen) return Tone::good;
  switch (line.kind) {
    case Outcome::Kind::refused:
    case Outcome::Kind::unreachable:
    case Outcome::Kind::failed:
    case Outcome::Kind::pull_failed:
      return Tone::bad;
    default:
      break;
  }
  if (is_left_out(line)) return Tone::bad;
  return line.name.empty() ? Tone::quiet : Tone::plain;
}

Row row_of(const Explanation::Line& line, std::size_t number) {
  const bool is_candidate = !line.name.empty();
  return {.cells = {is_candidate ? std::to_string(number) : "-", registry_text(line),
                    line.priority ? std::to_string(*line.priority) : "-", is_candidate ? found_text(line) : "-",
                    why_text(line)},
          .is_marked = line.is_chosen,
          .tone = tone_of(line)};
}

Row title_row() {
  Row row;
  std::ranges::copy(kTitles, row.cells.begin());
  return row;
}

Widths widths_of(const std::vector<Row>& rows) {
  Widths widths{};
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < widths.size(); ++i) widths[i] = std::max(widths[i], columns(row.cells[i]));
  }
  return widths;
}

std::string render(const Row& row, const Widths& widths, const Terminal& terminal) {
  std::string line = row.is_marked ? "* " : "  ";
  for (std::size_t i = 0; i < kLast; ++i) {
    const std::string padding(widths[i] - columns(row.cells[i]), ' ');
    line.append(kIsNumber[i] ? padding + row.cells[i] : row.cells[i] + padding).append(kGap);
  }
  std::size_t indent = kMark;
  for (std::size_t i = 0; i < kLast; ++i) indent += widths[i] + kGap.size();
  const bool has_room = terminal.columns > indent + kNarrowestReason;
  const std::size_t room = terminal.columns == 0 ? 0 : has_room ? terminal.columns - indent : kNarrowestReason;
  std::string text;
  for (const std::string& part : wrapped(row.cells[kLast], room)) {
    line += part;
    text += coloured(line.substr(0, line.find_last_not_of(' ') + 1), row.tone, terminal) + "\n";
    line.assign(indent, ' ');
  }
  return text;
}

std::string heading(const Explanation& explanation) {
  std::string text = printable(explanation.image);
  if (explanation.canonical != explanation.image) text += ", that is " + printable(explanation.canonical);
  if (!explanation.pod_namespace.empty()) text += ", for a pod of namespace " + printable(explanation.pod_namespace);
  return text;
}

std::string conclusion(const Explanation& explanation, const Terminal& terminal) {
  const auto chosen = std::ranges::find(explanation.lines, true, &Explanation::Line::is_chosen);
  if (chosen == explanation.lines.end()) return paragraph("No source is left: a pull fails", Tone::bad, terminal);
  const std::string name = printable(chosen->name);
  if (chosen->kind == Outcome::Kind::holds) return paragraph("A pull begins with " + name, Tone::good, terminal);
  if (chosen->is_original) {
    return paragraph("A pull goes to the image's own registry, with " + name, Tone::good, terminal);
  }
  return paragraph("No registry says that it has the image; a pull begins with " + name, Tone::bad, terminal);
}

}  // namespace

bool has_source(const Explanation& explanation) {
  return std::ranges::any_of(explanation.lines, [](const Explanation::Line& line) {
    if (line.name.empty()) return false;
    return line.kind == Outcome::Kind::holds || (line.is_original && line.kind == Outcome::Kind::not_asked);
  });
}

std::string resolution_table(const Explanation& explanation, const Terminal& terminal) {
  std::vector<Row> rows{title_row()};
  for (const Explanation::Line& line : explanation.lines) rows.push_back(row_of(line, rows.size()));
  const Widths widths = widths_of(rows);

  std::string text = paragraph(heading(explanation), Tone::plain, terminal) + "\n";
  for (const Row& row : rows) text += render(row, widths, terminal);
  text += "\n";
  text += conclusion(explanation, terminal);
  for (const std::string& warning : explanation.warnings) {
    text += paragraph("warning: " + printable(warning), Tone::bad, terminal);
  }
  return text;
}

}  // namespace shim::commands
