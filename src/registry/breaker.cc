#include "registry/breaker.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace shim::registry {

Breaker::Breaker(Options options, std::function<double()> random) : options_(options), random_(std::move(random)) {
  assert(options_.recovery_interval.count() > 0);
}

void Breaker::record(const Health& health, std::string_view reason, TimePoint now) {
  switch (health.kind) {
    case Health::Kind::answered:
      close();
      return;
    case Health::Kind::throttled:
      if (health.retry_after) open_for(*health.retry_after, reason, now);
      return;
    case Health::Kind::failed:
      ++failures_;
      if (is_open() || failures_ >= options_.failure_threshold) open(reason, now);
      return;
    case Health::Kind::timed_out:
      ++failures_;
      open(reason, now);
      return;
    case Health::Kind::unknown:
      return;
  }
}

void Breaker::open(std::string_view reason, TimePoint now) {
  reason_ = reason;
  if (is_open()) return;
  open_since_ = now;
  interval_ = options_.recovery_interval;
  if (!is_checking_ && !next_check_) next_check_ = now + jittered(interval_);
}

void Breaker::open_for(std::chrono::seconds time, std::string_view reason, TimePoint now) {
  open(reason, now);
  const TimePoint end = now + std::clamp<std::chrono::seconds>(time, std::chrono::seconds(0), kLongestRetryAfter);
  throttled_until_ = std::max(throttled_until_.value_or(end), end);
  if (!is_checking_) next_check_ = throttled_until_;
}

void Breaker::close() {
  failures_ = 0;
  open_since_.reset();
  reason_.clear();
  throttled_until_.reset();
  next_check_.reset();
}

void Breaker::wanted(TimePoint now) {
  wanted_at_ = now;
  if (!is_open() || is_checking_ || is_throttled(now)) return;
  // A check that comes soon enough stays where its own jitter has put it, however often it is wanted.
  const auto interval = options_.recovery_interval;
  if (*next_check_ > now + interval) next_check_ = now + jittered(interval);
}

void Breaker::suspect(TimePoint now) {
  if (is_checking_ || is_throttled(now)) return;
  next_check_ = std::min(next_check_.value_or(now), now);
}

void Breaker::check_started(TimePoint now) {
  assert(!is_checking_);
  is_checking_ = true;
  check_began_ = now;
  next_check_.reset();
}

void Breaker::check_ended(TimePoint now) {
  assert(is_checking_);
  is_checking_ = false;
  if (!is_open()) return;
  if (is_throttled(now)) {
    next_check_ = throttled_until_;
    return;
  }
  const bool is_wanted = wanted_at_ && now - *wanted_at_ <= kWantedFor;
  const auto longest = std::max<std::chrono::nanoseconds>(kLongestInterval, options_.recovery_interval);
  interval_ = is_wanted ? options_.recovery_interval : std::min(2 * interval_, longest);
  next_check_ = std::max(check_began_ + jittered(interval_), now);
}

bool Breaker::is_open() const {
  return open_since_.has_value();
}

bool Breaker::is_throttled(TimePoint now) const {
  return throttled_until_ && now < *throttled_until_;
}

std::optional<Breaker::TimePoint> Breaker::check_due() const {
  return next_check_;
}

// Half of the interval or more, never longer than it: what is promised within an interval comes within it.
std::chrono::nanoseconds Breaker::jittered(std::chrono::nanoseconds interval) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(interval * (0.5 + random_() / 2));
}

Breaker::Status Breaker::status() const {
  return {
      .is_open = is_open(), .failures = failures_, .reason = reason_, .since = open_since_, .next_check = next_check_};
}

}  // namespace shim::registry
