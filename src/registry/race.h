// Which registry is asked when, and which one the pull begins with: the waiting rules of DESIGN 3 as a state machine
// without I/O or clock.
//
// The runners stand best first. The next one is asked when the one asked last said no or failed, or after the hedge
// delay; a yes is taken when every better runner has answered, or when the budget has run out. Once a yes is known,
// none worse than it is asked. The delay is shortened where that is needed to ask every runner within half of the
// budget, so that one yes among many dead registries is found.
//
// When the pull from the one taken fails, the race goes on with a new budget: holders by priority, then runners that
// gave no answer, then the original reference, and last those that are a last resort: a pull from a dead registry costs
// the runtime's own time-outs, which are long. Runners not asked yet are asked then, at the same pace.
//
// A runner is waited for until the end of the budget in which it was asked, also where a later budget has begun
// meanwhile; then it counts as one that gave no answer, unless it answers later. So a dead registry costs a pull one
// budget, however often the pull goes on.
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
    left_out,  // an entry whose breaker is open: never asked; taken last of all, unless it answers `none`
    trusted,   // taken without asking, as if it had said yes: the kubelet sent its own credentials for it
    original,  // the original reference: not asked, taken when no entry is left
  };
  enum class Answer {
    yes,
    no,           // it must not be pulled from
    none,         // an error, a refusal, a late answer: it may have the image all the same
    last_resort,  // as none, and nothing speaks for a pull from it: Health::is_last_resort()
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
  // one in `take` as taken, and is not taken again. `ask` is empty unless wait_until is set, which is later than now.
  // REQUIRES: begin(), once before the first step and again after each take.
  Step step(TimePoint now);
  // Of a runner that was asked, or from a cache, at any time, even for one that was taken, or was not asked yet,
  // which it never is then. The last yes or no counts; the others take neither back. It changes nothing for a trusted
  // or an original runner: what an entry answers to others does not count against the kubelet's own credentials.
  void answered(std::size_t runner, Answer answer);

 private:
  struct Entrant {
    Runner runner;
    std::optional<Answer> answer{};
    std::optional<TimePoint> patience_ends{};  // with the budget it was asked in; nothing: not asked
    bool is_taken = false;
  };
  enum class Rank { holder, silent, original, last_resort, never };  // what is taken first comes first

  static Rank rank_of(const Entrant& entrant);
  static bool may_ask(const Entrant& entrant);
  static bool is_awaited(const Entrant& entrant, TimePoint now);
  std::optional<std::size_t> next_to_ask(std::size_t end) const;
  TimePoint next_ask_due(TimePoint now) const;
  std::optional<TimePoint> wait(std::size_t end, TimePoint now, std::vector<std::size_t>& ask);

  std::vector<Entrant> entrants_;
  std::chrono::nanoseconds hedge_delay_;
  std::chrono::nanoseconds timeout_;

  std::optional<TimePoint> budget_ends_{};  // nothing between a take and the next begin
  std::optional<std::size_t> asked_last_{};
  TimePoint asked_last_at_{};
};

}  // namespace shim::registry
