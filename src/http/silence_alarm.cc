#include "http/silence_alarm.h"

#include <boost/asio/steady_timer.hpp>
#include <utility>

namespace shim::http {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

struct SilenceAlarm::State : std::enable_shared_from_this<State> {
  State(const asio::any_io_executor& executor, std::function<void()> to_ring)
      : timer(executor), ring(std::move(to_ring)) {}

  void arm() {
    armed_for = deadline;
    timer.expires_at(deadline);
    timer.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
      const auto self = weak.lock();
      if (!error && self) self->look();
    });
  }
  void look() {
    armed_for = Clock::time_point::max();
    if (deadline == Clock::time_point::max()) return;
    if (Clock::now() < deadline) return arm();
    const auto ringing = std::exchange(ring, nullptr);
    if (ringing) ringing();
  }

  asio::steady_timer timer;
  std::function<void()> ring;
  Clock::time_point deadline = Clock::time_point::max();
  Clock::time_point armed_for = Clock::time_point::max();  // when the timer wakes; not later than the deadline
};

SilenceAlarm::SilenceAlarm(asio::any_io_executor executor, std::function<void()> ring)
    : state_(std::make_shared<State>(std::move(executor), std::move(ring))) {}

SilenceAlarm::~SilenceAlarm() = default;

void SilenceAlarm::expect(std::chrono::milliseconds within) {
  state_->deadline = within.count() > 0 ? Clock::now() + within : Clock::time_point::max();
  if (state_->deadline < state_->armed_for) state_->arm();
}

}  // namespace shim::http
