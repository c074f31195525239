#include "http/connection_queue.h"

#include <algorithm>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/error_code.hpp>

namespace shim::http {

namespace asio = boost::asio;

struct ConnectionQueue::Waiter {
  Waiter(const asio::any_io_executor& executor, TimePoint deadline) : alarm(executor, deadline) {}
  asio::steady_timer alarm;
  bool has_turn = false;
};

// Keeps a waiter in line for as long as its coroutine waits.
class ConnectionQueue::Waiting {
 public:
  Waiting(Origin& origin, Waiter& waiter) : origin_(origin), waiter_(waiter) { origin_.waiters.push_back(&waiter_); }
  Waiting(Waiting&&) = delete;
  // The origin lives as long as it has requests, and with them whoever waits for one to end.
  ~Waiting() {
    if (!waiter_.has_turn) origin_.waiters.remove(&waiter_);
  }

 private:
  Origin& origin_;
  Waiter& waiter_;
};

ConnectionQueue::ConnectionQueue(asio::any_io_executor executor, std::size_t max_per_origin)
    : executor_(std::move(executor)), max_per_origin_(std::max<std::size_t>(1, max_per_origin)) {}

asio::awaitable<ConnectionQueue::Turn> ConnectionQueue::turn(std::string origin, TimePoint deadline) {
  const auto self = shared_from_this();
  Origin& at = origins_[origin];
  if (at.requests < max_per_origin_) {
    ++at.requests;
    co_return Turn(self, std::move(origin));
  }
  Waiter waiter(executor_, deadline);
  {
    const Waiting waiting(at, waiter);
    boost::system::error_code ignored;  // whoever ended the wait, has_turn says what came of it
    co_await waiter.alarm.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
  if (!waiter.has_turn) co_return Turn();
  co_return Turn(self, std::move(origin));
}

void ConnectionQueue::leave(const std::string& origin) {
  const auto found = origins_.find(origin);
  Origin& at = found->second;
  if (at.waiters.empty()) {
    if (--at.requests == 0) origins_.erase(found);
    return;
  }
  Waiter& next = *at.waiters.front();
  at.waiters.pop_front();
  next.has_turn = true;
  next.alarm.cancel();
}

}  // namespace shim::http
