// The circuit breaker of one registry (DESIGN 3): a registry that fails is left out, and costs a pull nothing, until a
// check in the background finds it well again.
//
// A state machine without I/O or clock: whoever owns it passes the time in and makes the checks that check_due() asks
// for.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "registry/health.h"

namespace shim::registry {

class Breaker {
 public:
  using Clock = std::chrono::steady_clock;
  using TimePoint = Clock::time_point;

  static constexpr std::chrono::seconds kLongestInterval{60};
  static constexpr std::chrono::minutes kLongestRetryAfter{5};
  static constexpr std::chrono::minutes kWantedFor{1};  // a pull that wanted the registry counts for so long

  struct Options {
    int failure_threshold = 2;                                             // failures in a row that open it
    std::chrono::nanoseconds recovery_interval = std::chrono::seconds(5);  // between two checks while it is wanted; > 0
  };
  // For status pages and errors.
  struct Status {
    bool is_open = false;
    int failures = 0;                  // in a row
    std::string reason{};              // why it is open: of the last failure, one clause; empty while closed
    std::optional<TimePoint> since{};  // when it opened
    std::optional<TimePoint> next_check{};
  };

  // `random` gives values in [0, 1), for the jitter.
  Breaker(Options options, std::function<double()> random);

  // An exchange has shown `health`; `reason` says what failed, one clause. A time-out opens it at once,
  // failure_threshold failures in a row do, a Retry-After does for that time (at most kLongestRetryAfter; of several
  // the one that ends last), which counts as no failure. `answered` closes it, and no check is due any more. Throttled
  // without a time, and unknown, change nothing.
  void record(const Health& health, std::string_view reason, TimePoint now);
  // A pull would use the registry if it were well: its checks come every recovery_interval, not up to kLongestInterval
  // apart, and the next one within a recovery_interval from now; but none before a Retry-After is over.
  void wanted(TimePoint now);
  // The runtime could not pull from it: a check is due now, and its result counts as any exchange's. Nothing changes
  // before a Retry-After is over, nor while a check runs: that one's result counts.
  void suspect(TimePoint now);

  bool is_open() const;
  // When the owner is to check it (GET /v2/): while open, or suspect; nothing while a check runs. While open the checks
  // begin at most a recovery_interval after one another as long as a pull has wanted the registry within kWantedFor;
  // else each interval is twice the one before, up to kLongestInterval. Intervals are shortened at random, to no less
  // than half. While open through a Retry-After, a check is due when that is over.
  std::optional<TimePoint> check_due() const;
  // The owner begins a check. It records what the check has shown before check_ended(); nothing where it was cancelled.
  // REQUIRES: check_started() while no check runs, check_ended() while one does.
  void check_started(TimePoint now);
  void check_ended(TimePoint now);

  Status status() const;

 private:
  void open(std::string_view reason, TimePoint now);
  void close();
  void open_for(std::chrono::seconds time, std::string_view reason, TimePoint now);
  bool is_throttled(TimePoint now) const;
  std::chrono::nanoseconds jittered(std::chrono::nanoseconds interval);

  const Options options_;
  const std::function<double()> random_;

  int failures_ = 0;
  std::optional<TimePoint> wanted_at_{};  // last

  // Set while open.
  std::optional<TimePoint> open_since_{};
  std::string reason_{};
  std::optional<TimePoint> throttled_until_{};
  std::chrono::nanoseconds interval_{0};  // from the start of the last check to that of the next, before its jitter

  bool is_checking_ = false;
  TimePoint check_began_{};                // the one that runs
  std::optional<TimePoint> next_check_{};  // nothing while one runs
};

}  // namespace shim::registry
