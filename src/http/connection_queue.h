// How many requests are at one origin at a time. The others wait here, first come, first served, so that time spent
// waiting for our own requests is never taken for a slow peer. Internal to http/.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstddef>
#include <list>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>

namespace shim::http {

class ConnectionQueue : public std::enable_shared_from_this<ConnectionQueue> {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  // One request's place at its origin, given to the next in line when it is destroyed. Empty where there was none.
  class Turn {
   public:
    Turn() = default;
    Turn(std::shared_ptr<ConnectionQueue> queue, std::string origin)
        : queue_(std::move(queue)), origin_(std::move(origin)) {}
    Turn(Turn&&) = default;
    Turn& operator=(Turn&&) = delete;
    ~Turn() { give_back(); }
    void give_back() {
      if (const auto queue = std::exchange(queue_, nullptr)) queue->leave(origin_);
    }
    explicit operator bool() const { return queue_ != nullptr; }

   private:
    std::shared_ptr<ConnectionQueue> queue_;
    std::string origin_;
  };

  ConnectionQueue(boost::asio::any_io_executor executor, std::size_t max_per_origin);

  // At once where there is a place. Empty where the deadline came first, or the awaiting coroutine was cancelled.
  boost::asio::awaitable<Turn> turn(std::string origin, TimePoint deadline);

 private:
  struct Waiter;
  class Waiting;
  struct Origin {
    std::size_t requests = 0;  // that have their turn
    std::list<Waiter*> waiters;
  };

  void leave(const std::string& origin);

  boost::asio::any_io_executor executor_;
  std::size_t max_per_origin_;
  std::unordered_map<std::string, Origin> origins_;  // those with requests
};

}  // namespace shim::http
