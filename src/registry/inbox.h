// Where one resolution waits for the answers of many questions at once.
//
// Its owner waits and takes; whoever has an answer delivers it, at any time, also before the wait begins. Runs on the
// I/O thread.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstddef>
#include <vector>

#include "registry/outcome.h"

namespace shim::registry {

class Inbox {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  struct Letter {
    std::size_t sender;  // as the owner numbers those it has asked
    Outcome outcome;
    std::chrono::microseconds elapsed;  // since it was asked, by whomever
  };

  explicit Inbox(const boost::asio::any_io_executor& executor);
  Inbox(Inbox&&) = delete;

  void deliver(Letter letter);
  // Until there is a letter or the time has come. False where the coroutine was cancelled.
  // REQUIRES: nobody else waits; the Inbox outlives the coroutine.
  boost::asio::awaitable<bool> wait_until(TimePoint time);
  // In the order in which they came.
  std::vector<Letter> take();

 private:
  boost::asio::steady_timer timer_;
  std::vector<Letter> letters_;
};

}  // namespace shim::registry
