// What an API server is asked next, and when: one GET, then a watch, and what to do where they fail.
//
// A state machine without I/O, clock or randomness of its own.
#pragma once

#include <chrono>
#include <functional>
#include <optional>

namespace shim::kubernetes {

class WatchPlan {
 public:
  using Clock = std::chrono::steady_clock;
  using TimePoint = Clock::time_point;
  using Milliseconds = std::chrono::milliseconds;

  // A watch that lasts so long works: it is resumed at once, and what failed before is forgotten. A server that ends
  // every watch at once is asked less and less often.
  static constexpr Milliseconds kStable{1000};
  // After a watch that broke off, the first pause is one of the third step: all nodes lose theirs at once. So they do
  // where a server that stops cuts them short, and then it is one of the first step.
  static constexpr int kStepAfterLoss = 2;
  static constexpr std::chrono::minutes kLongestRetryAfter{5};
  // Where watching is forbidden it is tried again after `poll_interval`, doubled up to this: right after its start an
  // API server forbids everything for a moment, and a rule may be added.
  static constexpr std::chrono::minutes kLongestPolling{10};

  struct Options {
    std::chrono::nanoseconds poll_interval = std::chrono::seconds(15);
    Milliseconds first_pause{1000};
    Milliseconds longest_pause{30'000};
    // After 401 and 403: a cluster that has given its nodes no access is not to pay for that all the time.
    Milliseconds longest_refused_pause{300'000};
  };
  enum class Ask { get, watch };
  struct Step {
    Ask ask = Ask::get;
    Milliseconds pause{0};    // before it
    bool is_setback = false;  // what was asked before has failed, and nothing better is known to do at once
  };
  struct Outcome {
    enum class Kind {
      answered,      // GET: it is there, or it is not
      ended,         // watch: its time was over or, as it was silent, we ended it
      cut_short,     // watch: the server ended it well, before its time
      lost,          // no answer, or an error; a watch that broke off
      expired,       // 410: changes are not known from that resource version on; the next watch has none
      unauthorized,  // 401
      forbidden,     // 403
      garbled,       // an answer that cannot be one to the question
    };
    Kind kind = Kind::lost;
    Milliseconds lasted{0};  // of a watch, since the head of its answer; 0: none came
    std::optional<std::chrono::seconds> retry_after{};
  };

  // `random` gives values in [0, 1).
  WatchPlan(Options options, std::function<double()> random);

  // A GET at once, as at the start: whatever has failed may have been set right.
  Step restart(TimePoint now);
  Step after(Ask asked, const Outcome& outcome, TimePoint now);
  // Watching is forbidden, as far as is known.
  bool is_polling() const { return is_polling_; }

 private:
  Step after_answer(TimePoint now);
  Step after_loss(Ask asked, const Outcome& outcome);
  Step poll(TimePoint now);
  Milliseconds back_off(const Outcome& outcome);
  Milliseconds back_off(const Outcome& outcome, Milliseconds longest);
  Milliseconds poll_pause();

  const Options options_;
  const std::function<double()> random_;
  int step_ = 0;              // of the back-off
  int lost_watches_ = 0;      // since one worked
  bool was_refused_ = false;  // with 401, and asked again
  bool was_expired_ = false;  // since a watch worked
  bool has_just_looked_ = false;
  bool is_polling_ = false;
  TimePoint watch_again_{};                  // while polling
  std::chrono::nanoseconds polling_time_{};  // until then
};

}  // namespace shim::kubernetes
