#include "registry/resolution_state.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/units.h"

namespace shim::registry {
namespace {

// A probe that times out ends with the wait for it; how far it came is worth that much more.
constexpr std::chrono::milliseconds kLandingGrace{20};

Outcome outcome_of(const AnswerCache::Answer& answer, const Candidate& candidate) {
  return {.source = candidate.entry->address.text(),
          .name = candidate.name,
          .kind = answer.kind,
          .reason = answer.reason,
          .rules_out_pull = answer.kind != Outcome::Kind::holds};
}

std::string_view reason_not_asked(const Source& source) {
  if (!source.candidate.entry) return "the original reference";
  return source.runner == Race::Runner::trusted ? "the caller's own credentials" : "no time was left to ask it";
}

}  // namespace

std::string source_name(const Candidate& candidate, const image::Reference& reference) {
  return candidate.entry ? candidate.entry->address.text() : reference.host();
}

Resolution::State::State(std::shared_ptr<Probes> all_probes, const ResolverOptions& chosen,
                         const image::Reference& image, ResolveRequest resolve_request, Selection selection)
    : probes(std::move(all_probes)),
      options(chosen),
      reference(image),
      canonical(image.canonical()),
      request(std::move(resolve_request)),
      warnings(std::move(selection.warnings)),
      inbox(std::make_shared<Inbox>(probes->executor())) {
  sources.reserve(selection.candidates.size());
  for (Candidate& candidate : selection.candidates) sources.push_back({.candidate = std::move(candidate)});
}

void Resolution::State::want() {
  std::vector<std::size_t> entries;
  entries.reserve(sources.size());
  for (const Source& source : sources) {
    if (source.candidate.entry && !source.is_taken) entries.push_back(probes->number_of(*source.candidate.entry));
  }
  probes->circuits().wanted(entries);
}

// The kubelet's own credentials decide at the original host; an anonymous 404 must not stand in their way.
bool Resolution::State::is_left_to_caller(const Source& source) const {
  return source.candidate.is_original && request.caller_sent_credentials;
}

Race::Runner Resolution::State::look_at(Source& source, Clock::time_point now) {
  if (source.is_taken) return Race::Runner::left_out;  // and says no, see answer_of(): it has had its turn
  if (!source.candidate.entry) return Race::Runner::original;
  if (source.runner == Race::Runner::left_out && !source.was_answered) source.outcome.reset();
  const std::size_t entry = probes->number_of(*source.candidate.entry);
  if (!source.was_answered && !is_left_to_caller(source)) {
    if (const auto answer = probes->answers().find(canonical, entry, now)) {
      source.outcome = outcome_of(*answer, source.candidate);
      source.was_answered = true;
      source.known_for = now - answer->known_since;
    }
  }
  if (probes->circuits().is_open(entry)) {
    const bool said_yes = source.outcome && source.outcome->kind == Outcome::Kind::holds;
    if (said_yes || !source.outcome) {
      source.outcome = probes->circuits().left_out(entry);
      source.outcome->source = source_name(source.candidate, reference);
      source.outcome->name = source.candidate.name;
      source.was_answered = false;
    }
    return Race::Runner::left_out;
  }
  return is_left_to_caller(source) ? Race::Runner::trusted : Race::Runner::askable;
}

std::optional<Race::Answer> Resolution::State::answer_of(const Source& source) const {
  if (source.is_taken) return Race::Answer::no;
  const bool is_left_out = source.runner == Race::Runner::left_out && source.outcome;
  if (!source.was_answered && !is_left_out) return std::nullopt;
  if (source.outcome->kind == Outcome::Kind::holds) return Race::Answer::yes;
  if (source.outcome->rules_out_pull) return Race::Answer::no;
  return source.outcome->health.is_last_resort() ? Race::Answer::last_resort : Race::Answer::none;
}

Race Resolution::State::line_up(Clock::time_point now) {
  read_inbox();
  std::vector<Race::Runner> runners;
  runners.reserve(sources.size());
  for (Source& source : sources) runners.push_back(source.runner = look_at(source, now));
  const auto budget = options.probe_timeout + kLandingGrace;
  Race race(std::move(runners), {.hedge_delay = options.hedge_delay, .timeout = budget});
  race.begin(now);
  for (std::size_t i = 0; i < sources.size(); ++i) {
    if (const auto answer = answer_of(sources[i])) race.answered(i, *answer);
  }
  return race;
}

void Resolution::State::ask(std::size_t source, Clock::time_point now) {
  if (sources[source].asked_at) return;  // since an earlier wait
  sources[source].asked_at = now;
  probes->ask(canonical, sources[source].candidate, inbox, source);
}

std::vector<std::size_t> Resolution::State::read_inbox() {
  std::vector<std::size_t> senders;
  for (Inbox::Letter& letter : inbox->take()) {
    Source& source = sources[letter.sender];
    source.asked_at.reset();
    if (source.is_taken && source.outcome->kind == Outcome::Kind::pull_failed) continue;
    source.outcome = std::move(letter.outcome);
    source.outcome->name = source.candidate.name;  // another caller may have spelled it another way
    source.was_answered = true;
    source.answered_in = letter.elapsed;
    senders.push_back(letter.sender);
  }
  return senders;
}

void Resolution::State::note_silence(Clock::time_point now) {
  for (Source& source : sources) {
    if (!source.asked_at || source.is_taken || source.was_answered) continue;
    const auto silent_for = std::chrono::round<std::chrono::milliseconds>(now - *source.asked_at);
    source.outcome = Outcome{.source = source_name(source.candidate, reference),
                             .name = source.candidate.name,
                             .kind = Outcome::Kind::unreachable,
                             .reason = "no answer within " + format_duration(silent_for)};
  }
}

Candidate Resolution::State::take(std::size_t index) {
  Source& source = sources[index];
  source.is_taken = true;
  if (!source.outcome) {
    source.outcome = Outcome{.source = source_name(source.candidate, reference),
                             .name = source.candidate.name,
                             .kind = Outcome::Kind::not_asked,
                             .reason = std::string(reason_not_asked(source))};
  }
  if (has_failed) probes->failed_over(last_taken->candidate);
  has_failed = false;
  last_taken = &source;
  taken_at = Clock::now();
  return source.candidate;
}

}  // namespace shim::registry
