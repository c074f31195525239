#include "http/connection_queue.h"

#include <gtest/gtest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <optional>
#include <string>

namespace shim::http {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using Turn = ConnectionQueue::Turn;

class Queue : public testing::Test {
 protected:
  // A request that asks for its turn.
  struct Asked {
    std::unique_ptr<Turn> turn;  // once the wait is over
    asio::cancellation_signal cancel;
    bool has_turn() const { return turn && *turn; }
  };

  void ask(Asked& asked, const std::string& origin = "http://a:80", std::chrono::milliseconds patience = 10s) {
    asio::co_spawn(context_, queue_->turn(origin, std::chrono::steady_clock::now() + patience),
                   asio::bind_cancellation_slot(asked.cancel.slot(), [&asked](std::exception_ptr, Turn turn) {
                     asked.turn = std::make_unique<Turn>(std::move(turn));
                   }));
    poll();
  }
  void poll() {
    context_.restart();
    context_.poll();
  }

  asio::io_context context_{1};
  std::shared_ptr<ConnectionQueue> queue_ = std::make_shared<ConnectionQueue>(context_.get_executor(), 2);
  Asked first_, second_, third_, fourth_;
};

TEST_F(Queue, LetsAsManyInAsThereArePlaces) {
  ask(first_);
  ask(second_);
  ask(third_);
  EXPECT_TRUE(first_.has_turn());
  EXPECT_TRUE(second_.has_turn());
  EXPECT_FALSE(third_.turn);
}

TEST_F(Queue, CountsEachOriginForItself) {
  ask(first_);
  ask(second_);
  ask(third_, "http://b:80");
  EXPECT_TRUE(third_.has_turn());
}

TEST_F(Queue, IsFirstComeFirstServed) {
  ask(first_);
  ask(second_);
  ask(third_);
  ask(fourth_);
  second_.turn.reset();
  poll();
  EXPECT_TRUE(third_.has_turn());
  EXPECT_FALSE(fourth_.turn);
  third_.turn.reset();
  poll();
  EXPECT_TRUE(fourth_.has_turn());
}

TEST_F(Queue, IsLeftAtTheDeadline) {
  ask(first_);
  ask(second_);
  ask(third_, "http://a:80", 10ms);
  while (!third_.turn) context_.run_one();
  EXPECT_FALSE(third_.has_turn());
  ask(fourth_);
  first_.turn.reset();
  poll();
  EXPECT_TRUE(fourth_.has_turn());
}

TEST_F(Queue, IsLeftByACancelledRequest) {
  ask(first_);
  ask(second_);
  ask(third_);
  ask(fourth_);
  third_.cancel.emit(asio::cancellation_type::terminal);
  poll();
  ASSERT_TRUE(third_.turn);
  EXPECT_FALSE(third_.has_turn());
  first_.turn.reset();
  poll();
  EXPECT_TRUE(fourth_.has_turn());
}

TEST_F(Queue, GivesATurnThatComesWithTheCancelBackWhenItIsDropped) {
  ask(first_);
  ask(second_);
  ask(third_);
  ask(fourth_);
  first_.turn.reset();
  third_.cancel.emit(asio::cancellation_type::terminal);
  poll();
  third_.turn.reset();
  poll();
  EXPECT_TRUE(fourth_.has_turn());
}

TEST_F(Queue, ForgetsOriginsThatNobodyAsks) {
  ask(first_);
  first_.turn.reset();
  for (Asked* asked : {&first_, &second_}) ask(*asked);
  EXPECT_TRUE(second_.has_turn());
}

TEST(QueueLifetime, AWaiterMayOutliveTheLoop) {
  asio::io_context context{1};
  auto queue = std::make_shared<ConnectionQueue>(context.get_executor(), 1);
  std::vector<std::unique_ptr<Turn>> turns;
  const auto deadline = std::chrono::steady_clock::now() + 10s;
  for (int i = 0; i < 3; ++i) {
    asio::co_spawn(context, queue->turn("http://a:80", deadline), [&turns](std::exception_ptr, Turn turn) {
      turns.push_back(std::make_unique<Turn>(std::move(turn)));
    });
  }
  context.poll();
  EXPECT_EQ(turns.size(), 1);
}

}  // namespace
}  // namespace shim::http
