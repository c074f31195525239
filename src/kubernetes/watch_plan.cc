#include "kubernetes/watch_plan.h"

#include <algorithm>
#include <utility>

namespace shim::kubernetes {

WatchPlan::WatchPlan(Options options, std::function<double()> random)
    : options_(options), random_(std::move(random)), polling_time_(options.poll_interval) {}

WatchPlan::Step WatchPlan::restart(TimePoint now) {
  step_ = 0;
  was_refused_ = was_expired_ = false;
  polling_time_ = options_.poll_interval;
  watch_again_ = now;
  return {};
}

WatchPlan::Step WatchPlan::after(Ask asked, const Outcome& outcome, TimePoint now) {
  const bool was_stable = outcome.lasted >= kStable;
  const bool had_just_looked = std::exchange(has_just_looked_, outcome.kind == Outcome::Kind::answered);
  if (was_stable) {
    step_ = lost_watches_ = 0;
    was_expired_ = false;
  }
  if (outcome.lasted.count() > 0) {
    is_polling_ = false;
    polling_time_ = options_.poll_interval;
  }
  if (outcome.lasted.count() > 0 || outcome.kind == Outcome::Kind::answered) was_refused_ = false;
  switch (outcome.kind) {
    case Outcome::Kind::answered:
      return after_answer(now);
    case Outcome::Kind::ended:
      return {Ask::watch, was_stable ? Milliseconds(0) : back_off(outcome)};
    case Outcome::Kind::cut_short:
      return {Ask::watch, back_off(outcome)};
    case Outcome::Kind::lost:
      return after_loss(asked, outcome);
    case Outcome::Kind::expired:
      if (!std::exchange(was_expired_, true)) return {had_just_looked ? Ask::watch : Ask::get};
      return {Ask::get, back_off(outcome), true};
    case Outcome::Kind::unauthorized:
      if (!std::exchange(was_refused_, true)) return {asked};
      return {asked, back_off(outcome, options_.longest_refused_pause), true};
    case Outcome::Kind::forbidden:
      if (asked == Ask::watch) return poll(now);
      return {Ask::get, back_off(outcome, options_.longest_refused_pause), true};
    case Outcome::Kind::garbled:
      return {Ask::get, back_off(outcome), true};
  }
  std::unreachable();
}

WatchPlan::Step WatchPlan::after_answer(TimePoint now) {
  if (!is_polling_ || now >= watch_again_) return {Ask::watch};
  step_ = 0;
  return {Ask::get, poll_pause()};
}

WatchPlan::Step WatchPlan::after_loss(Ask asked, const Outcome& outcome) {
  if (outcome.lasted >= kStable) {
    step_ = kStepAfterLoss;
    return {asked, back_off(outcome)};
  }
  // Where watches fail, as behind a proxy that holds them up, a GET between them still sees what has changed.
  const bool looks_between = asked == Ask::watch && ++lost_watches_ >= 2;
  return {looks_between ? Ask::get : asked, back_off(outcome), true};
}

WatchPlan::Step WatchPlan::poll(TimePoint now) {
  if (std::exchange(is_polling_, true)) {
    polling_time_ = std::min<std::chrono::nanoseconds>(
        polling_time_ * 2, std::max<std::chrono::nanoseconds>(kLongestPolling, options_.poll_interval));
  }
  step_ = 0;
  watch_again_ = now + polling_time_;
  return {Ask::get, poll_pause()};
}

WatchPlan::Milliseconds WatchPlan::back_off(const Outcome& outcome) {
  return back_off(outcome, options_.longest_pause);
}

// Full jitter: anywhere from nothing to the whole, after what the server asked for.
WatchPlan::Milliseconds WatchPlan::back_off(const Outcome& outcome, Milliseconds longest) {
  constexpr int kMaxStep = 20;
  const Milliseconds whole = std::min(longest, options_.first_pause * (1 << step_));
  step_ = std::min(step_ + 1, kMaxStep);
  const auto asked_for =
      std::min<std::chrono::seconds>(outcome.retry_after.value_or(std::chrono::seconds(0)), kLongestRetryAfter);
  return asked_for + std::chrono::duration_cast<Milliseconds>(whole * random_());
}

WatchPlan::Milliseconds WatchPlan::poll_pause() {
  return std::chrono::duration_cast<Milliseconds>(options_.poll_interval * (0.9 + 0.2 * random_()));
}

}  // namespace shim::kubernetes
