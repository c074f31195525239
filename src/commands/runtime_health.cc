#include "commands/runtime_health.h"

#include <utility>

// GCC 12 at -O2 takes Asio's operator delete of a coroutine frame for the wrong one.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace shim::commands {

RuntimeHealth::RuntimeHealth(Ask ask, std::function<Clock::time_point()> now)
    : ask_(std::move(ask)), now_(std::move(now)) {}

boost::asio::awaitable<RuntimeHealth::Answer> RuntimeHealth::find(Clock::duration max_age) {
  const Clock::time_point now = now_();
  if (last_ && now - asked_at_ < max_age) co_return *last_;
  Ask ask = ask_;
  std::optional<Answer> answer = co_await flight_.join(0, std::move(ask), Clock::time_point::max());
  asked_at_ = now;
  last_ = std::move(answer);
  co_return *last_;
}

}  // namespace shim::commands
