// Which registry is asked when, and which one the pull begins with: the waiting rules of DESIGN 3 as a state machine
// without I/O or clock.
//
// The runners stand best first. The next one is asked when the one before said no or failed, or after the hedge delay;
// a yes is taken when every better runner has answered, or when the budget has run out. The delay is shortened where
// that is needed to ask every runner within half of the budget, so that one yes among many dead registries is found.
// When the pull from the one taken fails, the race goes on with a new budget: holders by priority, then runners that
// gave no answer, then the original reference, and last those that were left out.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <vector>

namespace shim::registry {

class Race {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  enum class Runner {
    askable,   // a registry entry
    left_out,  // an entry whose breaker is open: never asked, taken last of all
    trusted,   // taken without asking, as if it had said yes: the kubelet sent its own credentials for it
    original,  // the original reference: not asked, taken when no entry is left
  };
  enum class Answer {
    yes,
    no,    // it must not be pulled from
    none,  // an error, a refusal, a time-out: it may have the image all the same
  };
  struct Options {
    std::chrono::nanoseconds hedge_delay = std::chrono::milliseconds(150);
    std::chrono::nanoseconds timeout = std::chrono::seconds(2);  // the budget of each wait
  };
  struct Step {
    std::vector<std::size_t> ask;         // begin to ask these now, in this order
    std::optional<std::size_t> take;      // pull from this one
    std::optional<TimePoint> wait_until;  // neither: step again then, or when an answer has come
    bool is_over = false;                 // no runner is left
  };

  Race(std::vector<Runner> runners, Options options);

  // A new wait begins: its budget counts from now.
  void begin(TimePoint now);
  // What is to be done now. Exactly one of take, wait_until and is_over is set; runners in `ask` count as asked, the
  // one in `take` as taken, and is not taken again.
  // REQUIRES: begin().
  Step step(TimePoint now);
  // Of a runner that was asked, or from a cache, at any time, even for one that was taken or was not asked yet.
  void answered(std::size_t runner, Answer answer);

 private:
  // for its implementation to say
};

}  // namespace shim::registry
