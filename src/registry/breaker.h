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
    std::chrono::nanoseconds recovery_interval = std::chrono::seconds(5);  // between two checks while it is wanted
  };
  // For status pages and errors.
  struct Status {
    bool is_open = false;
    int failures = 0;                  // in a row
    std::string reason{};              // why it is open, one clause; empty while closed
    std::optional<TimePoint> since{};  // when it opened
    std::optional<TimePoint> next_check{};
  };

  // `random` gives values in [0, 1), for the jitter.
  Breaker(Options options, std::function<double()> random);

  // An exchange has shown `health`; `reason` says what failed, one clause. A time-out opens it at once,
  // failure_threshold failures in a row do, a Retry-After does for that time (at most kLongestRetryAfter); `answered`
  // closes it. Throttled without a time, and unknown, change nothing.
  void record(const Health& health, std::string_view reason, TimePoint now);
  // A pull would use the registry if it were well: its checks come every recovery_interval, not up to kLongestInterval
  // apart, and the next one within a recovery_interval from now.
  void wanted(TimePoint now);
  // The runtime could not pull from it: a check is due now, and its result counts as any exchange's.
  void suspect(TimePoint now);

  bool is_open() const;
  // When the owner is to check it (GET /v2/): while open, or suspect; nothing while a check runs.
  std::optional<TimePoint> check_due() const;
  // The owner begins a check. It records what the check has shown before check_ended().
  void check_started(TimePoint now);
  void check_ended(TimePoint now);

  Status status() const;

 private:
  // for its implementation to say
};

}  // namespace shim::registry
