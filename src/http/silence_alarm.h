// Notices that a peer has been silent for too long: one timer, which does not move with every piece that arrives.
// Internal to http/.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <functional>
#include <memory>

namespace shim::http {

class SilenceAlarm {
 public:
  // `ring` is called once, on the executor, and never after the alarm is gone.
  SilenceAlarm(boost::asio::any_io_executor executor, std::function<void()> ring);
  SilenceAlarm(SilenceAlarm&&) = delete;
  ~SilenceAlarm();

  // Something was heard now; the next is to come within that time. 0: whenever it likes.
  void expect(std::chrono::milliseconds within);

 private:
  struct State;
  std::shared_ptr<State> state_;  // the timer's wait has a weak reference
};

}  // namespace shim::http
