#include "proxy/deadline_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace shim::proxy {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using Clock = DeadlineQueue::Clock;

class Deadline final : public DeadlineQueue::Entry {
 public:
  explicit Deadline(std::function<void()> then) : then_(std::move(then)) {}
  void on_deadline() override { then_(); }

 private:
  std::function<void()> then_;
};

class Deadlines : public testing::Test {
 protected:
  std::function<void()> note(int number) {
    return [this, number] { fired_.push_back(number); };
  }

  boost::asio::io_context context_{1};
  std::optional<DeadlineQueue> queue_{std::in_place, context_};
  const Clock::time_point now_ = Clock::now();
  std::vector<int> fired_;
};

TEST_F(Deadlines, AreToldInTheirOrderWhateverTheOrderOfAdding) {
  Deadline third(note(3));
  Deadline first(note(1));
  Deadline second(note(2));
  queue_->add(third, now_ + 6ms);
  queue_->add(first, now_ + 2ms);
  queue_->add(second, now_ + 4ms);

  context_.run();

  EXPECT_THAT(fired_, ElementsAre(1, 2, 3));
}

TEST_F(Deadlines, AreToldInTheirOrderWhereAllHavePassed) {
  Deadline second(note(2));
  Deadline first(note(1));
  queue_->add(second, now_ - 1s);
  queue_->add(first, now_ - 2s);

  context_.run();

  EXPECT_THAT(fired_, ElementsAre(1, 2));
}

TEST_F(Deadlines, AreNeverToldEarly) {
  const Clock::time_point at = now_ + 3ms;
  Deadline sooner([] {});
  Deadline deadline([&] { EXPECT_GE(Clock::now(), at); });
  queue_->add(sooner, now_ + 1ms);
  queue_->add(deadline, at);
  context_.run();
}

TEST_F(Deadlines, LeaveTheQueueWhenTheyAreDestroyed) {
  auto gone = std::make_unique<Deadline>(note(1));
  Deadline stays(note(2));
  queue_->add(*gone, now_ + 1ms);
  queue_->add(stays, now_ + 2ms);

  gone.reset();
  context_.run();

  EXPECT_THAT(fired_, ElementsAre(2));
}

TEST_F(Deadlines, MayDestroyEachOther) {
  auto second = std::make_unique<Deadline>(note(2));
  Deadline first([&] { second.reset(); });
  queue_->add(first, now_ - 2s);
  queue_->add(*second, now_ - 1s);

  context_.run();

  EXPECT_THAT(fired_, IsEmpty());
}

TEST_F(Deadlines, MayBeAddedFromInsideOne) {
  Deadline second(note(2));
  Deadline first([&] { queue_->add(second, Clock::now() + 1ms); });
  queue_->add(first, now_);

  context_.run();

  EXPECT_THAT(fired_, ElementsAre(2));
}

TEST_F(Deadlines, AreNotToldOnceTheQueueIsGone) {
  Deadline deadline(note(1));
  queue_->add(deadline, now_ + 1ms);

  queue_.reset();
  context_.run();

  EXPECT_THAT(fired_, IsEmpty());
}

TEST_F(Deadlines, KeepNobodyWaitingOnceTheQueueIsGone) {
  Deadline deadline(note(1));
  queue_->add(deadline, now_ + 1h);

  queue_.reset();
  context_.run();

  EXPECT_LT(Clock::now(), now_ + 1min);
}

}  // namespace
}  // namespace shim::proxy
