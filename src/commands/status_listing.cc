#include "commands/status_listing.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <sstream>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "commands/text_layout.h"
#include "observe/status_words.h"

namespace shim::commands {
namespace {

using observe::Concern;
using observe::Status;

constexpr std::size_t kDecisions = 10;  // the last ones; --json has more
constexpr std::size_t kGap = 2;
constexpr std::size_t kLabel = 18;             // columns
constexpr std::size_t kNarrowestAddress = 16;  // columns

using Cells = std::array<std::string, 6>;
const Cells titles{"REGISTRY", "STATE", "PRIORITY", "PROBE", "PULLED", "FAILED"};
constexpr std::size_t kFirstNumber = 2;  // and all after it

std::string heading(const Status& status, const std::vector<Concern>& concerns, const Terminal& terminal) {
  const Status::Shim& shim = status.shim;
  const std::string text =
      fmt::format("image-cri-shim {} on {}, process {}, up {}: {}", printable(shim.version), printable(shim.node),
                  shim.pid, observe::short_duration(shim.uptime), observe::conclusion(concerns));
  return paragraph(text, concerns.empty() ? Tone::good : Tone::bad, terminal) + "\n";
}

std::string concern_text(const Concern& concern, const Terminal& terminal) {
  const std::string_view mark = concern.kind == Concern::Kind::failed ? "✗ " : "! ";
  return coloured(std::string(mark), Tone::bad, terminal) +
         paragraph(printable(concern.what), Tone::bad, terminal, kGap) + std::string(kGap, ' ') +
         paragraph(printable(concern.advice), Tone::plain, terminal, kGap) + "\n";
}

std::string fact(std::string_view label, std::string_view text, const Terminal& terminal) {
  std::string begin = coloured(std::string(label), Tone::quiet, terminal);
  begin.append(kLabel - columns(label), ' ');
  return begin + paragraph(printable(text), Tone::plain, terminal, kLabel);
}

std::string facts(const Status& status, const Terminal& terminal) {
  const Status::Configuration& configuration = status.configuration;
  const std::string read = observe::age(configuration.used_since, status.time);
  return fact("runtime", fmt::format("{}, at {}", runtime_text(status.runtime), status.runtime.socket), terminal) +
         fact("kubelet's socket", status.shim.socket + (status.shim.is_serving ? ", served" : ", not served"),
              terminal) +
         fact("known answers", cache_text(status.cache), terminal) +
         fact("own registries", original_text(status.original), terminal) +
         fact("names restored", std::to_string(status.names_remembered), terminal) +
         fact("configuration", fmt::format("{}, read {}", configuration.file, read), terminal) +
         fact("ConfigMap", config_map_text(configuration.config_map, status.time), terminal) + "\n";
}

// ── Registries ───────────────────────────────────────────────────────────────────────────────────────────────────────

Cells cells_of(const Status::Registry& registry) {
  return {printable(registry.address) + (registry.is_offline ? " (offline)" : ""),
          observe::state_text(registry.state),
          std::to_string(registry.priority),
          registry.latency ? observe::latency_text(*registry.latency) : "-",
          std::to_string(registry.pulls_succeeded),
          std::to_string(registry.pulls_failed)};
}

Tone tone_of(Status::Registry::State state) {
  switch (state) {
    case Status::Registry::State::failing:
    case Status::Registry::State::left_out:
      return Tone::bad;
    case Status::Registry::State::not_asked:
      return Tone::quiet;
    case Status::Registry::State::well:
      break;
  }
  return Tone::plain;
}

using Widths = std::array<std::size_t, std::tuple_size_v<Cells>>;

// The addresses give way where the terminal is too narrow.
Widths widths_of(const std::vector<Cells>& rows, const Terminal& terminal) {
  Widths widths{};
  std::size_t rest = 0;
  for (std::size_t i = 0; i < widths.size(); ++i) {
    for (const Cells& row : rows) widths[i] = std::max(widths[i], columns(row[i]));
    if (i > 0) rest += kGap + widths[i];
  }
  if (terminal.columns == 0) return widths;
  const std::size_t room = terminal.columns > rest ? terminal.columns - rest : 0;
  widths[0] = std::min(widths[0], std::max(room, kNarrowestAddress));
  return widths;
}

std::string line_of(const Cells& cells, const Widths& widths, Tone tone, const Terminal& terminal) {
  std::string line = shortened(cells[0], widths[0]);
  line.append(widths[0] - columns(line), ' ');
  for (std::size_t i = 1; i < cells.size(); ++i) {
    const std::string padding(widths[i] - columns(cells[i]), ' ');
    line.append(kGap, ' ').append(i < kFirstNumber ? cells[i] + padding : padding + cells[i]);
  }
  return coloured(line, tone, terminal) + "\n";
}

// What is wrong with it, below its line.
std::string remark_on(const Status::Registry& registry, Status::Time now, const Terminal& terminal) {
  const bool is_well = registry.reason.empty();
  const std::string text = is_well ? last_failure_text(registry, now) : reason_text(registry);
  if (text.empty()) return {};
  return std::string(kGap, ' ') + paragraph((is_well ? "last error: " : "") + printable(text),
                                            is_well ? Tone::quiet : Tone::bad, terminal, kGap);
}

std::string registry_table(const Status& status, const Terminal& terminal) {
  if (status.registries.empty()) {
    return paragraph("No registry is configured: every image is pulled as it is named", Tone::plain, terminal) + "\n";
  }
  std::vector<Cells> rows{titles};
  for (const Status::Registry& registry : status.registries) rows.push_back(cells_of(registry));
  const Widths widths = widths_of(rows, terminal);
  std::string text = line_of(rows[0], widths, Tone::quiet, terminal);
  for (std::size_t i = 1; i < rows.size(); ++i) {
    const Status::Registry& registry = status.registries[i - 1];
    text += line_of(rows[i], widths, tone_of(registry.state), terminal) + remark_on(registry, status.time, terminal);
  }
  return text + "\n";
}

// ── Decisions ────────────────────────────────────────────────────────────────────────────────────────────────────────

std::string decision_text(const cri::Decision& decision, Status::Time now, const Terminal& terminal) {
  std::string text = printable(decision.image);
  text += decision.is_pulled ? fmt::format(" ← {}, because {}", printable(decision.source), printable(decision.why))
                             : " not pulled: " + printable(decision.why);
  text += fmt::format(" ({}, {}", observe::age(decision.time, now), observe::short_duration(decision.duration));
  if (decision.attempts > 1) text += fmt::format(", {} attempts", decision.attempts);
  if (!decision.pod_namespace.empty()) text += ", namespace " + printable(decision.pod_namespace);
  return paragraph(text + ")", decision.is_pulled ? Tone::plain : Tone::bad, terminal, kGap);
}

std::string decisions(const Status& status, const Terminal& terminal) {
  std::string text = coloured("LAST PULLS", Tone::quiet, terminal) + "\n";
  if (status.decisions.empty()) return text + "none yet that a registry was looked for\n";
  const std::size_t shown = std::min(kDecisions, status.decisions.size());
  for (std::size_t i = 0; i < shown; ++i) text += decision_text(status.decisions[i], status.time, terminal);
  return text;
}

}  // namespace

std::string status_listing(const Status& status, const Terminal& terminal) {
  const std::vector<Concern> concerns = concerns_of(status);
  std::string text = heading(status, concerns, terminal);
  for (const Concern& concern : concerns) text += concern_text(concern, terminal);
  return text + facts(status, terminal) + registry_table(status, terminal) + decisions(status, terminal);
}

std::string in_place(const std::string& text, const Terminal& terminal) {
  constexpr std::string_view kHome = "\x1b[H";
  constexpr std::string_view kRestOfLine = "\x1b[K";
  constexpr std::string_view kRestOfScreen = "\x1b[J";
  std::string octets(kHome);
  std::istringstream lines(text);
  std::size_t row = 1;
  for (std::string line; row < terminal.rows && std::getline(lines, line); ++row) {
    octets.append(line).append(kRestOfLine).append("\n");
  }
  return octets.append(kRestOfScreen);
}

}  // namespace shim::commands
