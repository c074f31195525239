#include "registry/inbox.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <utility>

// GCC 12 at -O2 takes Asio's operator delete of a coroutine frame for the wrong one.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace shim::registry {

namespace asio = boost::asio;

Inbox::Inbox(const asio::any_io_executor& executor) : timer_(executor) {}

void Inbox::deliver(Letter letter) {
  letters_.push_back(std::move(letter));
  timer_.cancel();
}

asio::awaitable<bool> Inbox::wait_until(TimePoint time) {
  if (!letters_.empty()) co_return true;
  try {
    timer_.expires_at(time);
    co_await timer_.async_wait(asio::as_tuple(asio::use_awaitable));
    const auto cancellation = co_await asio::this_coro::cancellation_state;
    co_return cancellation.cancelled() == asio::cancellation_type::none;
  } catch (const boost::system::system_error&) {  // how Asio ends a cancelled coroutine between two waits
    co_return false;
  }
}

std::vector<Inbox::Letter> Inbox::take() {
  return std::exchange(letters_, {});
}

}  // namespace shim::registry
