#include "registry/breaker.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace shim::registry {
namespace {

using namespace std::chrono_literals;
using TimePoint = Breaker::TimePoint;

constexpr Health kAnswered{.kind = Health::Kind::answered};
constexpr Health kFailed{.kind = Health::Kind::failed};
constexpr Health kTimedOut{.kind = Health::Kind::timed_out};
constexpr Health kUnknown{.kind = Health::Kind::unknown};
constexpr Health kThrottled{.kind = Health::Kind::throttled};
Health throttled_for(std::chrono::seconds time) {
  return {.kind = Health::Kind::throttled, .retry_after = time};
}

class ABreaker : public testing::Test {
 protected:
  void record(const Health& health, std::string_view reason = "reason") { breaker_.record(health, reason, now_); }
  void open() { record(kTimedOut, "no answer"); }
  // Waits for the check that is due, and makes it.
  void check(const Health& health, std::chrono::milliseconds duration = 0ms) {
    now_ = std::max(now_, breaker_.check_due().value());
    breaker_.check_started(now_);
    now_ += duration;
    record(health, "check");
    breaker_.check_ended(now_);
  }
  std::chrono::nanoseconds until_check() const { return breaker_.check_due().value() - now_; }

  double random_value_ = 0.999'999'999'999;  // intervals are as good as whole, unless a test says otherwise
  TimePoint now_{100h};
  Breaker breaker_{{.failure_threshold = 2, .recovery_interval = 5s}, [this] { return random_value_; }};
};

// Whole to the microsecond: jitter takes a hair off.
void expect_about(std::chrono::nanoseconds actual, std::chrono::nanoseconds expected) {
  EXPECT_LE(actual, expected);
  EXPECT_GT(actual, expected - 1us);
}

TEST_F(ABreaker, IsClosedAndWantsNoCheckAtFirst) {
  EXPECT_FALSE(breaker_.is_open());
  EXPECT_EQ(breaker_.check_due(), std::nullopt);
  EXPECT_EQ(breaker_.status().failures, 0);
  EXPECT_EQ(breaker_.status().reason, "");
  EXPECT_EQ(breaker_.status().since, std::nullopt);
}

TEST_F(ABreaker, OpensAtOnceOnATimeOut) {
  record(kTimedOut, "no answer within 2s");
  EXPECT_TRUE(breaker_.is_open());
  EXPECT_EQ(breaker_.status().reason, "no answer within 2s");
  EXPECT_EQ(breaker_.status().since, now_);
  EXPECT_EQ(breaker_.status().next_check, breaker_.check_due());
}

TEST_F(ABreaker, OpensOnFailuresInARow) {
  record(kFailed, "refused");
  EXPECT_FALSE(breaker_.is_open());
  EXPECT_EQ(breaker_.status().reason, "");
  EXPECT_EQ(breaker_.check_due(), std::nullopt);
  record(kFailed, "reset");
  EXPECT_TRUE(breaker_.is_open());
  EXPECT_EQ(breaker_.status().failures, 2);
  EXPECT_EQ(breaker_.status().reason, "reset");
}

TEST_F(ABreaker, CountsFailuresAnewAfterAnAnswer) {
  record(kFailed);
  record(kAnswered);
  record(kFailed);
  EXPECT_FALSE(breaker_.is_open());
  EXPECT_EQ(breaker_.status().failures, 1);
}

TEST_F(ABreaker, IsNotMovedByWhatShowsNothing) {
  record(kFailed);
  record(kUnknown);
  record(kThrottled);
  EXPECT_FALSE(breaker_.is_open());
  EXPECT_EQ(breaker_.status().failures, 1);
  open();
  const auto due = breaker_.check_due();
  record(kUnknown);
  record(kThrottled);
  EXPECT_TRUE(breaker_.is_open());
  EXPECT_EQ(breaker_.check_due(), due);
  EXPECT_EQ(breaker_.status().reason, "no answer");
}

TEST_F(ABreaker, ClosesOnAnyAnswer) {
  open();
  record(kAnswered);
  EXPECT_FALSE(breaker_.is_open());
  EXPECT_EQ(breaker_.check_due(), std::nullopt);
  EXPECT_EQ(breaker_.status().failures, 0);
  EXPECT_EQ(breaker_.status().reason, "");
  EXPECT_EQ(breaker_.status().since, std::nullopt);
}

TEST_F(ABreaker, TellsSinceWhenItIsOpenAndWhatFailedLast) {
  open();
  const TimePoint opened = now_;
  now_ += 1s;
  record(kFailed, "refused");
  EXPECT_EQ(breaker_.status().since, opened);
  EXPECT_EQ(breaker_.status().reason, "refused");
  EXPECT_EQ(breaker_.status().failures, 2);
}

TEST_F(ABreaker, OpensForTheTimeOfARetryAfter) {
  record(throttled_for(30s), "429 Too Many Requests");
  EXPECT_TRUE(breaker_.is_open());
  EXPECT_EQ(breaker_.status().failures, 0) << "it is no failure";
  EXPECT_EQ(breaker_.status().reason, "429 Too Many Requests");
  EXPECT_EQ(until_check(), 30s);
}

TEST_F(ABreaker, WaitsForARetryAfterAtMostFiveMinutes) {
  record(throttled_for(std::chrono::seconds::max()));
  EXPECT_EQ(until_check(), 5min);
}

TEST_F(ABreaker, IsCheckedAtOnceAfterARetryAfterOfNothing) {
  record(throttled_for(0s));
  EXPECT_TRUE(breaker_.is_open());
  EXPECT_EQ(until_check(), 0s);
}

TEST_F(ABreaker, KeepsTheRetryAfterThatEndsLast) {
  record(throttled_for(30s));
  record(throttled_for(10s));
  EXPECT_EQ(until_check(), 30s);
  record(throttled_for(40s));
  EXPECT_EQ(until_check(), 40s);
}

TEST_F(ABreaker, IsNotCheckedBeforeARetryAfterIsOver) {
  record(throttled_for(30s));
  breaker_.wanted(now_);
  breaker_.suspect(now_);
  record(kTimedOut);
  EXPECT_EQ(until_check(), 30s);
}

TEST_F(ABreaker, PutsOffACheckThatWasDueUntilARetryAfterIsOver) {
  breaker_.suspect(now_);
  record(throttled_for(30s));
  EXPECT_EQ(until_check(), 30s);
}

TEST_F(ABreaker, IsCheckedAgainAsOftenAsOthersWhenARetryAfterIsOver) {
  record(throttled_for(30s));
  breaker_.wanted(now_ + 29s);
  check(kFailed);
  EXPECT_TRUE(breaker_.is_open());
  expect_about(until_check(), 5s);
}

TEST_F(ABreaker, ObeysTheRetryAfterOfACheck) {
  open();
  check(throttled_for(20s), 500ms);
  EXPECT_EQ(until_check(), 20s);
}

TEST_F(ABreaker, IsCheckedWithinARecoveryIntervalOfOpening) {
  open();
  expect_about(until_check(), 5s);
}

TEST_F(ABreaker, ShortensIntervalsByHalfAtMost) {
  random_value_ = 0;
  open();
  EXPECT_EQ(until_check(), 2500ms);
  random_value_ = 0.5;
  breaker_.wanted(now_);
  check(kFailed);
  EXPECT_EQ(until_check(), 3750ms);
}

TEST_F(ABreaker, CountsIntervalsFromTheStartOfACheck) {
  open();
  breaker_.wanted(now_);
  check(kTimedOut, 2s);
  expect_about(until_check(), 3s);
  check(kTimedOut, 6s);
  EXPECT_EQ(until_check(), 0s) << "a check longer than the interval is followed by the next";
}

TEST_F(ABreaker, IsCheckedEveryIntervalWhileItIsWanted) {
  open();
  for (int checks = 0; checks < 100; ++checks) {
    breaker_.wanted(now_);
    check(kFailed);
    expect_about(until_check(), 5s);
  }
}

TEST_F(ABreaker, CountsAsWantedForAMinute) {
  open();
  breaker_.wanted(now_);
  now_ += 60s;
  check(kFailed);
  expect_about(until_check(), 5s);
  now_ += 1ns;
  check(kFailed);
  expect_about(until_check(), 10s);
}

TEST_F(ABreaker, IsCheckedLessAndLessOftenWhereNobodyWantsIt) {
  open();
  for (const auto interval : {10s, 20s, 40s, 60s, 60s}) {
    check(kFailed);
    expect_about(until_check(), interval);
  }
}

TEST_F(ABreaker, IsCheckedSoonWhenItIsWantedAgain) {
  open();
  for (int checks = 0; checks < 4; ++checks) check(kFailed);
  expect_about(until_check(), 60s);
  breaker_.wanted(now_);
  expect_about(until_check(), 5s);
  check(kFailed);
  expect_about(until_check(), 5s);
}

TEST_F(ABreaker, IsNotCheckedSoonerTheMoreItIsWanted) {
  open();
  const auto due = breaker_.check_due();
  random_value_ = 0;
  for (int pulls = 0; pulls < 10; ++pulls) breaker_.wanted(now_ += 100ms);
  EXPECT_EQ(breaker_.check_due(), due);
}

TEST_F(ABreaker, NeverBacksOffBelowALongRecoveryInterval) {
  Breaker breaker({.failure_threshold = 1, .recovery_interval = 10min}, [] { return 0.0; });
  breaker.record(kFailed, "", now_);
  for (int checks = 0; checks < 3; ++checks) {
    EXPECT_EQ(*breaker.check_due() - now_, 5min);
    now_ = *breaker.check_due();
    breaker.check_started(now_);
    breaker.record(kFailed, "", now_);
    breaker.check_ended(now_);
  }
}

TEST_F(ABreaker, IsCheckedAtOnceWhenSuspected) {
  breaker_.suspect(now_);
  EXPECT_FALSE(breaker_.is_open()) << "a suspicion leaves nobody out";
  EXPECT_EQ(until_check(), 0s);
  open();
  EXPECT_EQ(until_check(), 0s) << "opening puts off no check that is due";
  check(kFailed);
  breaker_.suspect(now_);
  EXPECT_EQ(until_check(), 0s) << "nor does it matter that it is open";
}

TEST_F(ABreaker, DropsASuspicionOnAnAnswer) {
  breaker_.suspect(now_);
  check(kAnswered);
  EXPECT_EQ(breaker_.check_due(), std::nullopt);
  breaker_.suspect(now_);
  record(kAnswered);
  EXPECT_EQ(breaker_.check_due(), std::nullopt);
}

TEST_F(ABreaker, CountsTheFailureOfASuspectAsAnyFailure) {
  breaker_.suspect(now_);
  check(kFailed);
  EXPECT_FALSE(breaker_.is_open());
  EXPECT_EQ(breaker_.check_due(), std::nullopt);
  breaker_.suspect(now_);
  check(kFailed);
  EXPECT_TRUE(breaker_.is_open());
  expect_about(until_check(), 10s);
}

TEST_F(ABreaker, WantsNoCheckWhileOneRuns) {
  open();
  breaker_.check_started(now_);
  breaker_.wanted(now_);
  breaker_.suspect(now_);
  record(throttled_for(1s));
  EXPECT_EQ(breaker_.check_due(), std::nullopt);
  now_ += 2s;
  breaker_.check_ended(now_);
  expect_about(until_check(), 3s);
}

TEST_F(ABreaker, StaysOpenWhenACheckWasCancelled) {
  open();
  check(kUnknown);
  EXPECT_TRUE(breaker_.is_open());
  expect_about(until_check(), 10s);
}

TEST_F(ABreaker, StaysClosedWhenAnotherExchangeWasAnsweredDuringACheck) {
  open();
  breaker_.check_started(now_);
  record(kAnswered);
  breaker_.check_ended(now_);
  EXPECT_FALSE(breaker_.is_open());
  EXPECT_EQ(breaker_.check_due(), std::nullopt);
}

// The owner's part, with a registry that fails for a while: a pull wants it every second.
TEST_F(ABreaker, LetsAWantedRegistryBeUsedWithinAnIntervalOfItsReturn) {
  std::mt19937 random(7);  // NOLINT(cert-msc51-cpp): the same run each time
  for (int run = 0; run < 300; ++run) {
    Breaker breaker({.recovery_interval = 5s}, [&] { return std::uniform_real_distribution<>()(random); });
    const TimePoint start = now_;
    const TimePoint back = start + std::chrono::milliseconds(std::uniform_int_distribution(1, 400'000)(random));
    breaker.record(kTimedOut, "", now_);
    for (TimePoint pull = start + 70s; breaker.is_open();) {  // nobody wants it at first
      now_ = std::max(now_, std::min(pull, breaker.check_due().value()));
      if (now_ == pull) {
        breaker.wanted(now_);
        pull += 1s;
        continue;
      }
      breaker.check_started(now_);
      const bool is_back = now_ >= back;
      now_ += is_back ? 10ms : 2s;
      breaker.record(is_back ? kAnswered : kTimedOut, "", now_);
      breaker.check_ended(now_);
      pull = std::max(pull, now_);
    }
    EXPECT_LE(now_ - std::max(back, start + 70s), 5s + 10ms) << "run " << run;
  }
}

// What the rules say, found anew each time from all that has happened.
class History {
 public:
  enum class Kind { record, wanted, suspect, check_started, check_ended };
  struct Event {
    Kind kind;
    TimePoint at;
    Health health{};
    std::string reason{};
  };

  History(Breaker::Options options, double (*random_at)(TimePoint)) : options_(options), random_at_(random_at) {}

  void add(Event event) { events_.push_back(std::move(event)); }

  bool is_checking(std::size_t count) const {
    int running = 0;
    for (std::size_t i = 0; i < count; ++i) {
      if (events_[i].kind == Kind::check_started) ++running;
      if (events_[i].kind == Kind::check_ended) --running;
    }
    return running > 0;
  }
  bool is_checking() const { return is_checking(events_.size()); }

  Breaker::Status status() const {
    Breaker::Status status;
    const auto opening = opening_before(events_.size());
    for (std::size_t i = last_answer(); i < events_.size(); ++i) {
      status.failures += is_failure(events_[i]) ? 1 : 0;
      if (opening && i >= *opening && (is_failure(events_[i]) || is_throttling(events_[i]))) {
        status.reason = events_[i].reason;
      }
    }
    status.is_open = opening.has_value();
    if (opening) status.since = events_[*opening].at;
    status.next_check = next_check();
    return status;
  }

 private:
  static bool is_failure(const Event& event) {
    return event.kind == Kind::record &&
           (event.health.kind == Health::Kind::failed || event.health.kind == Health::Kind::timed_out);
  }
  static bool is_throttling(const Event& event) {
    return event.kind == Kind::record && event.health.kind == Health::Kind::throttled && event.health.retry_after;
  }
  // Where what counts begins.
  std::size_t last_answer() const {
    std::size_t last = 0;
    for (std::size_t i = 0; i < events_.size(); ++i) {
      if (events_[i].kind == Kind::record && events_[i].health == kAnswered) last = i + 1;
    }
    return last;
  }
  std::optional<std::size_t> opening_before(std::size_t count) const {
    int failures = 0;
    for (std::size_t i = last_answer(); i < count; ++i) {
      failures += is_failure(events_[i]) ? 1 : 0;
      const bool opens =
          is_throttling(events_[i]) ||
          (is_failure(events_[i]) && (events_[i].health == kTimedOut || failures >= options_.failure_threshold));
      if (opens) return i;
    }
    return std::nullopt;
  }
  TimePoint retry_after_end(std::size_t count) const {
    TimePoint end = TimePoint::min();
    for (std::size_t i = last_answer(); i < count; ++i) {
      if (!is_throttling(events_[i])) continue;
      end = std::max(end, events_[i].at + std::min<std::chrono::seconds>(*events_[i].health.retry_after, 5min));
    }
    return end;
  }
  std::chrono::nanoseconds shortened(std::chrono::nanoseconds interval, TimePoint at) const {
    const double share = 0.5 + random_at_(at) / 2;
    return std::chrono::nanoseconds(static_cast<std::int64_t>(static_cast<double>(interval.count()) * share));
  }
  bool was_wanted_lately(std::size_t event) const {
    for (std::size_t i = 0; i < event; ++i) {
      if (events_[i].kind == Kind::wanted && events_[event].at - events_[i].at <= 1min) return true;
    }
    return false;
  }
  // Doubled once for each check since it opened, or since it was wanted last.
  std::chrono::nanoseconds interval_after_check(std::size_t check) const {
    const std::size_t opening = *opening_before(check);
    double factor = 1;
    for (std::size_t i = opening; i <= check; ++i) {
      if (events_[i].kind != Kind::check_ended || retry_after_end(i) > events_[i].at) continue;
      factor = was_wanted_lately(i) ? 1 : factor * 2;
    }
    const double seconds = std::chrono::duration<double>(options_.recovery_interval).count() * factor;
    const double longest = std::max(60.0, std::chrono::duration<double>(options_.recovery_interval).count());
    return std::chrono::milliseconds(std::llround(std::min(seconds, longest) * 1000));
  }
  TimePoint start_of_check(std::size_t end) const {
    while (events_[end].kind != Kind::check_started) --end;
    return events_[end].at;
  }
  std::optional<TimePoint> next_check() const {
    std::optional<TimePoint> due;
    for (std::size_t i = last_answer(); i < events_.size(); ++i) {
      const TimePoint at = events_[i].at;
      if (is_checking(i + 1)) {
        due.reset();
        continue;
      }
      const auto opening = opening_before(i + 1);
      const bool must_wait = retry_after_end(i + 1) > at;
      const auto soon = at + shortened(options_.recovery_interval, at);
      if (opening == i && !due) due = soon;
      if (is_throttling(events_[i])) due = retry_after_end(i + 1);
      if (events_[i].kind == Kind::check_ended && opening) {
        due = must_wait ? retry_after_end(i + 1)
                        : std::max(at, start_of_check(i) + shortened(interval_after_check(i), at));
      }
      if (must_wait) continue;
      if (events_[i].kind == Kind::wanted && opening && *due > at + options_.recovery_interval) due = soon;
      if (events_[i].kind == Kind::suspect) due = due ? std::min(*due, at) : at;
    }
    return due;
  }

  const Breaker::Options options_;
  double (*const random_at_)(TimePoint);
  std::vector<Event> events_;
};

// Any number that the time decides, so that the breaker and its history throw the same dice.
double random_at(TimePoint at) {
  std::mt19937_64 engine(static_cast<std::uint64_t>(at.time_since_epoch().count()));
  return std::uniform_real_distribution<>()(engine);
}

class Operations {
 public:
  explicit Operations(unsigned seed)
      : random_(seed),
        options_{.failure_threshold = between(1, 3), .recovery_interval = std::chrono::seconds(between(1, 90))},
        breaker_(options_, [this] { return random_at(now_); }),
        history_(options_, random_at) {}

  void run(int operations) {
    for (int count = 0; count < operations && !testing::Test::HasFailure(); ++count) {
      pass_time();
      operate(count);
      compare();
    }
  }

 private:
  int between(int low, int high) { return std::uniform_int_distribution(low, high)(random_); }

  void pass_time() {
    switch (between(0, 3)) {
      case 0:
        break;
      case 1:
        now_ += std::chrono::milliseconds(between(1, 3'000));
        break;
      case 2:
        now_ += std::chrono::seconds(between(1, 100));
        break;
      default:  // to the very moment of the check
        now_ = std::max(now_, breaker_.check_due().value_or(now_));
    }
  }
  Health any_health() {
    switch (between(0, 9)) {
      case 0:
        return kAnswered;
      case 1:
      case 2:
        return kTimedOut;
      case 3:
        return throttled_for(std::chrono::seconds(between(0, 400)));
      case 4:
        return kThrottled;
      case 5:
        return kUnknown;
      default:
        return kFailed;
    }
  }
  void operate(int count) {
    using enum History::Kind;
    switch (between(0, 6)) {
      case 0:
        breaker_.wanted(now_);
        history_.add({.kind = wanted, .at = now_});
        return;
      case 1:
        breaker_.suspect(now_);
        history_.add({.kind = suspect, .at = now_});
        return;
      case 2:
      case 3:
      case 4:
        if (history_.is_checking()) {
          breaker_.check_ended(now_);
          history_.add({.kind = check_ended, .at = now_});
        } else {
          breaker_.check_started(now_);
          history_.add({.kind = check_started, .at = now_});
        }
        return;
      default:
        const Health health = any_health();
        const std::string reason = "operation " + std::to_string(count);
        breaker_.record(health, reason, now_);
        history_.add({.kind = record, .at = now_, .health = health, .reason = reason});
    }
  }
  void compare() {
    const Breaker::Status actual = breaker_.status();
    const Breaker::Status expected = history_.status();
    EXPECT_EQ(breaker_.is_open(), expected.is_open);
    EXPECT_EQ(breaker_.check_due(), expected.next_check);
    EXPECT_EQ(actual.is_open, expected.is_open);
    EXPECT_EQ(actual.failures, expected.failures);
    EXPECT_EQ(actual.reason, expected.reason);
    EXPECT_EQ(actual.since, expected.since);
    EXPECT_EQ(actual.next_check, expected.next_check);
    const bool is_well_and_trusted = !actual.is_open && actual.failures == 0;
    EXPECT_TRUE(!actual.is_open || history_.is_checking() || actual.next_check) << "it would stay open for ever";
    EXPECT_TRUE(!is_well_and_trusted || actual.reason.empty());
  }

  std::mt19937 random_;
  TimePoint now_{1000h};
  Breaker::Options options_;
  Breaker breaker_;
  History history_;
};

TEST(ABreakersModel, AgreesWithTheRulesReadFromTheWholeHistory) {
  for (unsigned seed = 1; seed <= 600 && !HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Operations(seed).run(60);
  }
}

}  // namespace
}  // namespace shim::registry
