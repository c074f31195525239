#include "base/single_flight.h"

#include <gtest/gtest.h>

#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <stdexcept>
#include <string>
#include <vector>

namespace shim {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using TimePoint = asio::steady_timer::time_point;

constexpr TimePoint kNever = TimePoint::max();

// Work that is done when a test says so.
struct Work {
  explicit Work(asio::io_context& io) : is_done(io, kNever) {}
  asio::steady_timer is_done;
  int begun = 0;
  int cancelled = 0;
};

asio::awaitable<std::string> perform(Work& work) {
  ++work.begun;
  boost::system::error_code ended;
  co_await work.is_done.async_wait(asio::redirect_error(asio::use_awaitable, ended));
  const auto state = co_await asio::this_coro::cancellation_state;
  if (state.cancelled() != asio::cancellation_type::none) ++work.cancelled;
  if (work.begun > 5) throw std::runtime_error("too much");
  co_return "result";
}

class Flight : public testing::Test {
 protected:
  using Joins = SingleFlight<int, std::string>;

  void join(Joins& flights, int key, TimePoint deadline = kNever, asio::cancellation_signal* cancel = nullptr) {
    const std::size_t index = results_.size();
    results_.push_back("waits");
    auto start = [this] { return perform(work_); };
    auto done = [this, index](std::exception_ptr error, std::optional<std::string> result) {
      results_[index] = error ? "cancelled" : result.value_or("nothing");
    };
    auto waiter = flights.join(key, std::move(start), deadline);
    if (cancel != nullptr) {
      asio::co_spawn(io_, std::move(waiter), asio::bind_cancellation_slot(cancel->slot(), std::move(done)));
    } else {
      asio::co_spawn(io_, std::move(waiter), std::move(done));
    }
    run();
  }
  void finish() {
    work_.is_done.cancel();
    run();
  }

  void run() {
    io_.restart();  // it stops when it has nothing left to do
    io_.poll();
  }

  asio::io_context io_{1};
  Work work_{io_};
  std::vector<std::string> results_;
};

TEST_F(Flight, IsOneForAllWhoWantTheSameAtTheSameTime) {
  Joins flights(Abandoned::goes_on);
  for (int i = 0; i < 200; ++i) join(flights, 1);
  EXPECT_EQ(work_.begun, 1);
  finish();
  EXPECT_EQ(results_, std::vector<std::string>(200, "result"));
  EXPECT_EQ(flights.under_way(), 0U);
}

TEST_F(Flight, IsAnotherForAnotherKeyAndAfterwards) {
  Joins flights(Abandoned::goes_on);
  join(flights, 1);
  join(flights, 2);
  finish();
  join(flights, 1);
  EXPECT_EQ(work_.begun, 3);
  finish();
}

TEST_F(Flight, LeavesTheOthersAloneWhenOneIsCancelled) {
  Joins flights(Abandoned::is_cancelled);
  asio::cancellation_signal cancel;
  join(flights, 1, kNever, &cancel);
  join(flights, 1);
  cancel.emit(asio::cancellation_type::terminal);
  run();
  EXPECT_EQ(results_, (std::vector<std::string>{"cancelled", "waits"}));
  EXPECT_EQ(work_.cancelled, 0);
  finish();
  EXPECT_EQ(results_[1], "result");
}

TEST_F(Flight, IsCancelledWhenTheLastOneGoes) {
  Joins flights(Abandoned::is_cancelled);
  asio::cancellation_signal cancel;
  join(flights, 1, kNever, &cancel);
  cancel.emit(asio::cancellation_type::terminal);
  run();
  EXPECT_EQ(work_.cancelled, 1);
  EXPECT_EQ(flights.under_way(), 0U);
}

TEST_F(Flight, GoesOnWhereItsResultIsKeptElsewhere) {
  Joins flights(Abandoned::goes_on);
  join(flights, 1, TimePoint::min());
  EXPECT_EQ(results_[0], "nothing") << "its deadline has passed";
  join(flights, 1);
  EXPECT_EQ(work_.begun, 1);
  finish();
  EXPECT_EQ(results_[1], "result");
}

TEST_F(Flight, MayOutliveWhatBeganIt) {
  {
    Joins flights(Abandoned::goes_on);
    join(flights, 1, TimePoint::min());
  }
  finish();
  EXPECT_EQ(work_.cancelled, 0);
}

TEST_F(Flight, HandsAnExceptionToAllWhoWait) {
  Joins flights(Abandoned::goes_on);
  work_.begun = 5;
  join(flights, 1);
  join(flights, 1);
  finish();
  EXPECT_EQ(results_, (std::vector<std::string>{"cancelled", "cancelled"}));
}

}  // namespace
}  // namespace shim
