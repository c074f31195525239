// Whether the runtime answers, for whoever wants to know: one question at a time, however many ask. On the I/O thread.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <functional>
#include <optional>

#include "base/error.h"
#include "base/single_flight.h"
#include "cri/version.h"

namespace shim::commands {

class RuntimeHealth {
 public:
  using Answer = Expected<cri::RuntimeVersion>;
  // Asks the runtime; ends soon, and borrows nothing of the RuntimeHealth.
  using Ask = std::function<boost::asio::awaitable<Answer>()>;
  using Clock = std::chrono::steady_clock;

  explicit RuntimeHealth(Ask ask, std::function<Clock::time_point()> now = &Clock::now);

  // What the runtime said at most `max_age` ago; else it is asked.
  boost::asio::awaitable<Answer> find(Clock::duration max_age);

 private:
  const Ask ask_;
  const std::function<Clock::time_point()> now_;
  SingleFlight<int, Answer> flight_{Abandoned::goes_on};
  std::optional<Answer> last_;
  Clock::time_point asked_at_{};  // for `last_`
};

}  // namespace shim::commands
