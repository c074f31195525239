// One piece of work for all who want its result at the same time.
//
// Who comes first for a key begins the work, who comes while it is under way waits for the same result. The work runs
// as a coroutine of its own: a waiter that is cancelled, or whose deadline passes, leaves the others alone. The work
// must not borrow from the SingleFlight or from who began it, as it may outlive both. Not thread-safe.
#pragma once

#include <algorithm>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <cstddef>
#include <exception>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace shim {

// What becomes of work that nobody waits for any longer.
enum class Abandoned {
  is_cancelled,
  goes_on,  // because its result is kept elsewhere, or because it cannot be stopped
};

template <class Key, class Result>
class SingleFlight {
 public:
  using TimePoint = boost::asio::steady_timer::time_point;

  explicit SingleFlight(Abandoned abandoned) : abandoned_(abandoned) {}
  SingleFlight(const SingleFlight&) = delete;
  SingleFlight& operator=(const SingleFlight&) = delete;

  // The result of the work under way for `key`, else of `start()`, an awaitable<Result>. Nothing where `deadline`
  // passes first. A cancelled coroutine ends with operation_aborted; an exception of the work reaches every waiter.
  template <class Start>
  boost::asio::awaitable<std::optional<Result>> join(Key key, Start start, TimePoint deadline) {
    const auto executor = co_await boost::asio::this_coro::executor;
    std::shared_ptr<Flight> flight = find(key);
    if (!flight) flight = begin(executor, std::move(key), start());
    if (!flight->has_ended) {
      const Waiter waiter(executor, *flight, deadline, abandoned_);
      boost::system::error_code ended;  // an abort by the result, or by the caller's cancel
      co_await waiter.timer().async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, ended));
      const bool deadline_has_passed = !ended;
      if (!flight->has_ended && deadline_has_passed) co_return std::nullopt;
      if (!flight->has_ended) throw boost::system::system_error(boost::asio::error::operation_aborted);
    }
    if (flight->error) std::rethrow_exception(flight->error);
    co_return flight->result;
  }

  std::size_t under_way() const { return flights_->size(); }

 private:
  struct Flight {
    bool has_ended = false;
    std::optional<Result> result{};
    std::exception_ptr error{};
    std::vector<boost::asio::steady_timer*> waiters{};
    boost::asio::cancellation_signal cancel{};
  };
  using Flights = std::map<Key, std::shared_ptr<Flight>>;

  class Waiter {
   public:
    Waiter(const boost::asio::any_io_executor& executor, Flight& flight, TimePoint deadline, Abandoned abandoned)
        : flight_(flight), abandoned_(abandoned), timer_(executor, deadline) {
      flight_.waiters.push_back(&timer_);
    }
    Waiter(const Waiter&) = delete;
    Waiter& operator=(const Waiter&) = delete;
    ~Waiter() {
      std::erase(flight_.waiters, &timer_);
      const bool is_abandoned = !flight_.has_ended && flight_.waiters.empty();
      if (is_abandoned && abandoned_ == Abandoned::is_cancelled) flight_.cancel.emit(kTerminal);
    }
    boost::asio::steady_timer& timer() const { return timer_; }

   private:
    static constexpr auto kTerminal = boost::asio::cancellation_type::terminal;
    Flight& flight_;
    Abandoned abandoned_;
    mutable boost::asio::steady_timer timer_;
  };

  std::shared_ptr<Flight> find(const Key& key) const {
    const auto found = flights_->find(key);
    const bool is_joinable = found != flights_->end() &&
                             (abandoned_ == Abandoned::goes_on || !found->second->waiters.empty());
    return is_joinable ? found->second : nullptr;  // cancelled work has a result for nobody
  }

  std::shared_ptr<Flight> begin(const boost::asio::any_io_executor& executor, Key key,
                                boost::asio::awaitable<Result> work) {
    auto flight = std::make_shared<Flight>();
    flights_->insert_or_assign(key, flight);
    auto land = [flight, flights = flights_, key = std::move(key)](std::exception_ptr error, Result result) {
      flight->has_ended = true;
      flight->error = std::move(error);
      if (!flight->error) flight->result = std::move(result);
      const auto found = flights->find(key);
      if (found != flights->end() && found->second == flight) flights->erase(found);
      for (boost::asio::steady_timer* waiter : flight->waiters) waiter->cancel();
    };
    boost::asio::co_spawn(executor, std::move(work),
                          boost::asio::bind_cancellation_slot(flight->cancel.slot(), std::move(land)));
    return flight;
  }

  Abandoned abandoned_;
  std::shared_ptr<Flights> flights_ = std::make_shared<Flights>();  // shared with the work under way
};

}  // namespace shim
