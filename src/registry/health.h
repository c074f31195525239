// What an exchange with a registry shows about the registry itself, whatever it says about the image: what its circuit
// breaker is fed with. Pure.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace shim::registry {

struct Health {
  enum class Kind {
    answered,   // an HTTP answer below 500 but 429; a 401, too
    throttled,  // 429, or 503 with Retry-After: `retry_after` says for how long, where it says it
    failed,     // refused, DNS, TLS, reset, garbage, 5xx
    timed_out,  // it had its time, and has not answered
    unknown,    // shows nothing: cancelled, no credential to ask with, a request that could not be sent
  };
  Kind kind = Kind::unknown;
  std::optional<std::chrono::seconds> retry_after{};
  bool was_reached = true;  // false: no connection to it came about

  // Nothing speaks for a pull from it: it cannot be reached, or it asked for a pause. One that is slow, or fails in
  // other ways, may yet serve the runtime.
  bool is_last_resort() const { return !was_reached || (kind == Kind::throttled && retry_after); }

  friend bool operator==(const Health&, const Health&) = default;
};

// Of an HTTP answer. `retry_after` is the field's value, or empty (RFC 9110 §10.2.3): seconds, or a date, which counts
// from `now`; one that has passed is 0 s. What cannot be read counts as absent: a 503 is a failure then, a 429 says no
// time.
Health health_of_status(int status, std::string_view retry_after, std::chrono::system_clock::time_point now);

// The value of a `Date` field, in any of the three forms that a recipient takes (RFC 9110 §5.6.7).
std::optional<std::chrono::sys_seconds> parse_date(std::string_view text);

}  // namespace shim::registry
