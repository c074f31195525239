#include "registry/explanation.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "registry/resolution_state.h"

// GCC 12 at -O2 takes Asio's operator delete of a coroutine frame for the wrong one.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace shim::registry {

namespace asio = boost::asio;
using std::chrono::milliseconds;

namespace {

// A probe that times out ends with the wait for it; its answer is worth that much more.
constexpr milliseconds kLandingGrace{250};

milliseconds in_milliseconds(auto duration) {
  return std::chrono::round<milliseconds>(duration);
}

// Asks all who may be asked and have not answered, and waits for them.
asio::awaitable<void> ask_all(Resolution::State& state) {
  const auto began = Clock::now();
  state.line_up(began);
  for (std::size_t i = 0; i < state.sources.size(); ++i) {
    const Source& source = state.sources[i];
    if (source.runner == Race::Runner::askable && !source.was_answered) state.ask(i, began);
  }
  const auto patience = std::min(began + state.options.probe_timeout + kLandingGrace,
                                 state.request.deadline.value_or(Clock::time_point::max()));
  const auto is_awaited = [](const Source& source) { return source.asked_at.has_value(); };
  while (std::ranges::any_of(state.sources, is_awaited) && Clock::now() < patience) {
    if (!co_await state.inbox->wait_until(patience)) co_return;
    state.read_inbox();
  }
  state.note_silence(Clock::now());
}

// Whom a pull would begin with, who has not answered by now counting as silent.
std::optional<std::size_t> choose(Resolution::State& state) {
  const auto now = Clock::now();
  Race race = state.line_up(now);
  for (std::size_t i = 0; i < state.sources.size(); ++i) {
    const Source& source = state.sources[i];
    if (source.runner == Race::Runner::askable && !source.was_answered) race.answered(i, Race::Answer::none);
  }
  return race.step(now).take;
}

std::string why_chosen(const Source& source) {
  switch (source.runner) {
    case Race::Runner::trusted:
      return "chosen: the image's own registry, with the caller's credentials";
    case Race::Runner::original:
      return "chosen: no configured registry may have it";
    case Race::Runner::left_out:
      return "chosen: left out, but no other says that it has it";
    case Race::Runner::askable:
      break;
  }
  if (source.outcome && source.outcome->kind == Outcome::Kind::holds) return "chosen: the first that has it";
  return "chosen: none says that it has it, and this one may";
}

bool is_last_resort(const Source& source) {
  return source.outcome && source.outcome->health.is_last_resort();
}

std::string why_not_chosen(const Source& source, const std::string& chosen) {
  if (source.outcome && source.outcome->rules_out_pull) return "never pulled from: it does not have it";
  switch (source.runner) {
    case Race::Runner::left_out:
      return is_last_resort(source) ? "left out: tried when all others have failed"
                                    : "left out: tried when those that have it have failed";
    case Race::Runner::original:
      return "tried when the configured registries have failed";
    case Race::Runner::trusted:
    case Race::Runner::askable:
      break;
  }
  if (source.outcome && source.outcome->kind == Outcome::Kind::holds) {
    return fmt::format("has it, but {} comes first", chosen);
  }
  if (is_last_resort(source)) return "gave no answer: tried when all others have failed";
  return "gave no clear answer: tried when those that have it have failed";
}

Explanation::Circuit circuit_of(const Breaker::Status& status) {
  const auto now = Clock::now();
  Explanation::Circuit circuit{.is_open = status.is_open, .reason = status.reason};
  if (status.is_open && status.since) circuit.open_for = in_milliseconds(now - *status.since);
  if (status.next_check) {
    circuit.next_check_in = std::max(in_milliseconds(*status.next_check - now), milliseconds(0));
  }
  return circuit;
}

Explanation::Line line_of_entry(const Entry& entry, Probes& probes) {
  Explanation::Line line{.registry = entry.address.text(), .priority = entry.priority, .is_offline = entry.is_offline};
  line.circuit = circuit_of(probes.circuits().status(probes.number_of(entry)));
  return line;
}

Explanation::Line line_of_source(const Source& source, Resolution::State& state) {
  Explanation::Line line;
  if (source.candidate.entry) line = line_of_entry(*source.candidate.entry, *state.probes);
  line.registry = source_name(source.candidate, state.reference);
  line.is_original = source.candidate.is_original;
  line.name = source.candidate.name;
  if (source.outcome) {
    line.kind = source.outcome->kind;
    line.reason = source.outcome->reason;
  }
  if (source.answered_in) line.answered_in = in_milliseconds(*source.answered_in);
  if (source.known_for) line.known_for = in_milliseconds(*source.known_for);
  return line;
}

std::vector<Explanation::Line> lines_of_others(Resolution::State& state) {
  std::vector<Explanation::Line> lines;
  for (const Entry& entry : state.probes->entries()) {
    const auto is_its = [&](const Source& source) { return source.candidate.entry == &entry; };
    if (std::ranges::any_of(state.sources, is_its)) continue;
    lines.push_back(line_of_entry(entry, *state.probes));
    lines.back().is_original = entry.address.host() == state.reference.host();
    lines.back().verdict = why_no_candidate(state.reference, entry, state.request.pod_namespace);
  }
  const auto is_original = [](const Source& source) { return source.candidate.is_original; };
  if (std::ranges::none_of(state.sources, is_original)) {
    lines.push_back({.registry = state.reference.host(), .is_original = true});
    lines.back().verdict = "kept out by `fallback: deny`";
  }
  return lines;
}

}  // namespace

asio::awaitable<Explanation> explain(std::unique_ptr<Resolution::State> state) {
  co_await ask_all(*state);
  const std::optional<std::size_t> chosen = choose(*state);
  const std::string first = chosen ? source_name(state->sources[*chosen].candidate, state->reference) : "";
  Explanation explanation{.image = state->reference.original(),
                          .canonical = state->canonical,
                          .pod_namespace = state->request.pod_namespace,
                          .lines = {},
                          .warnings = state->warnings};
  for (std::size_t i = 0; i < state->sources.size(); ++i) {
    const Source& source = state->sources[i];
    explanation.lines.push_back(line_of_source(source, *state));
    explanation.lines.back().is_chosen = i == chosen;
    explanation.lines.back().verdict = i == chosen ? why_chosen(source) : why_not_chosen(source, first);
  }
  for (Explanation::Line& line : lines_of_others(*state)) explanation.lines.push_back(std::move(line));
  co_return explanation;
}

}  // namespace shim::registry
