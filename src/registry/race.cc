#include "registry/race.h"

#include <algorithm>
#include <cassert>
#include <ranges>
#include <utility>

namespace shim::registry {

Race::Race(std::vector<Runner> runners, Options options)
    : hedge_delay_(options.hedge_delay), timeout_(options.timeout) {
  entrants_.reserve(runners.size());
  for (const Runner runner : runners) entrants_.push_back({.runner = runner});
  const auto askable = std::ranges::count(runners, Runner::askable);
  if (askable > 0) hedge_delay_ = std::min(hedge_delay_, timeout_ / 2 / askable);
}

void Race::begin(TimePoint now) {
  budget_ends_ = now + timeout_;
}

Race::Step Race::step(TimePoint now) {
  assert(budget_ends_);
  const auto best = std::ranges::min_element(entrants_, {}, rank_of);  // of equals the first
  const Rank rank = best == entrants_.end() ? Rank::never : rank_of(*best);
  const auto best_position = static_cast<std::size_t>(best - entrants_.begin());

  Step step;
  if (now < *budget_ends_) {
    // Those behind a known yes do not matter.
    step.wait_until = wait(rank == Rank::holder ? best_position : entrants_.size(), now, step.ask);
    if (step.wait_until) return step;
  }
  if (rank == Rank::never) {
    step.is_over = true;
    return step;
  }
  best->is_taken = true;
  budget_ends_.reset();
  step.take = best_position;
  return step;
}

// Asks those whose turn it is among the first `end` runners. Nothing: none of these is worth waiting for.
std::optional<Race::TimePoint> Race::wait(std::size_t end, TimePoint now, std::vector<std::size_t>& ask) {
  auto next = next_to_ask(end);
  for (; next && next_ask_due(now) <= now; next = next_to_ask(end)) {
    entrants_[*next].patience_ends = budget_ends_;
    asked_last_ = next;
    asked_last_at_ = now;
    ask.push_back(*next);
  }

  std::optional<TimePoint> until;
  if (next) until = next_ask_due(now);
  for (const Entrant& entrant : entrants_ | std::views::take(end)) {
    if (is_awaited(entrant, now)) until = std::min(until.value_or(*entrant.patience_ends), *entrant.patience_ends);
  }
  return until;
}

void Race::answered(std::size_t runner, Answer answer) {
  assert(runner < entrants_.size());
  std::optional<Answer>& known = entrants_[runner].answer;
  const bool is_decided = known == Answer::yes || known == Answer::no;
  if (!is_decided || answer == Answer::yes || answer == Answer::no) known = answer;
}

Race::Rank Race::rank_of(const Entrant& entrant) {
  if (entrant.is_taken) return Rank::never;
  switch (entrant.runner) {
    case Runner::trusted:
      return Rank::holder;
    case Runner::original:
      return Rank::original;
    case Runner::left_out:
      if (entrant.answer == Answer::no) return Rank::never;
      return entrant.answer == Answer::none ? Rank::silent : Rank::last_resort;
    case Runner::askable:
      break;
  }
  if (!entrant.answer) return Rank::silent;
  switch (*entrant.answer) {
    case Answer::yes:
      return Rank::holder;
    case Answer::no:
      return Rank::never;
    case Answer::none:
      return Rank::silent;
    case Answer::last_resort:
      return Rank::last_resort;
  }
  std::unreachable();
}

bool Race::may_ask(const Entrant& entrant) {
  return entrant.runner == Runner::askable && !entrant.is_taken && !entrant.answer && !entrant.patience_ends;
}

bool Race::is_awaited(const Entrant& entrant, TimePoint now) {
  return entrant.patience_ends && now < *entrant.patience_ends && !entrant.answer;
}

std::optional<std::size_t> Race::next_to_ask(std::size_t end) const {
  const auto first =
      std::ranges::find_if(entrants_.begin(), entrants_.begin() + static_cast<std::ptrdiff_t>(end), may_ask);
  const auto position = static_cast<std::size_t>(first - entrants_.begin());
  return position < end ? std::optional(position) : std::nullopt;
}

// Of the next runner, whoever that is.
Race::TimePoint Race::next_ask_due(TimePoint now) const {
  if (!asked_last_ || !is_awaited(entrants_[*asked_last_], now)) return now;
  return asked_last_at_ + hedge_delay_;
}

}  // namespace shim::registry
