#include "base/worker_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <exception>
#include <future>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace shim {
namespace {

namespace asio = boost::asio;

class Workers : public testing::Test {
 protected:
  template <class T>
  T result_of(asio::awaitable<T> work) {
    std::optional<T> result;
    asio::co_spawn(io_, std::move(work), [&](std::exception_ptr, T value) { result = std::move(value); });
    io_.run();
    io_.restart();
    return result.value();
  }

  asio::io_context io_{1};
};

TEST_F(Workers, RunOnAnotherThreadAndGiveTheResultBack) {
  WorkerPool pool(2);
  const auto thread = result_of(pool.run([] { return std::this_thread::get_id(); }));
  EXPECT_NE(thread, std::this_thread::get_id());
}

TEST_F(Workers, AreNeverMoreThanAllowed) {
  WorkerPool pool(3);
  std::atomic<int> running = 0;
  std::atomic<int> most = 0;
  std::set<std::thread::id> threads;
  for (int i = 0; i < 200; ++i) {
    auto work = pool.run([&] {
      const int now = ++running;
      for (int seen = most; now > seen && !most.compare_exchange_weak(seen, now);) {
      }
      std::this_thread::yield();
      --running;
      return std::this_thread::get_id();
    });
    asio::co_spawn(io_, std::move(work), [&](std::exception_ptr, std::thread::id id) { threads.insert(id); });
  }
  io_.run();
  EXPECT_LE(most, 3);
  EXPECT_LE(threads.size(), 3u);
  EXPECT_EQ(running, 0);
}

TEST_F(Workers, ThatHangHoldUpNeitherACancelledCallerNorTheEnd) {
  std::promise<void> release;
  const std::shared_future<void> released = release.get_future().share();
  const auto is_done = std::make_shared<std::promise<void>>();
  auto ended = is_done->get_future();
  const auto is_begun = std::make_shared<std::promise<void>>();
  {
    WorkerPool pool(1);
    asio::cancellation_signal cancel;
    bool was_cancelled = false;
    auto hangs = pool.run([released, is_done, is_begun] {
      is_begun->set_value();
      released.wait();
      is_done->set_value();
      return 1;
    });
    asio::co_spawn(io_, std::move(hangs),
                   asio::bind_cancellation_slot(
                       cancel.slot(), [&](std::exception_ptr error, int) { was_cancelled = error != nullptr; }));
    io_.poll();
    is_begun->get_future().wait();
    cancel.emit(asio::cancellation_type::terminal);
    io_.run();
    EXPECT_TRUE(was_cancelled);
  }
  release.set_value();
  ended.wait();  // the thread ends its work after the pool has gone, and nobody is told
}

TEST(WorkersLifetime, WorkMayEndAfterItsCallersLoop) {
  std::promise<void> release;
  const std::shared_future<void> released = release.get_future().share();
  const auto is_gone = std::make_shared<std::promise<void>>();
  auto gone = is_gone->get_future();
  {
    asio::io_context context{1};
    WorkerPool pool(1);
    // Destroyed with the work, on its thread.
    const std::shared_ptr<void> end(nullptr, [is_gone](void*) { is_gone->set_value(); });
    auto hangs = pool.run([released, end] {
      released.wait();
      return 1;
    });
    asio::co_spawn(context, std::move(hangs), asio::detached);
    context.poll();
  }
  release.set_value();
  gone.wait();
}

TEST_F(Workers, DropWhatHasNotBegunWhenThePoolGoes) {
  std::promise<void> release;
  const std::shared_future<void> released = release.get_future().share();
  const auto is_begun = std::make_shared<std::promise<void>>();
  auto has_run = std::make_shared<std::atomic<bool>>(false);
  {
    WorkerPool pool(1);
    asio::co_spawn(io_, pool.run([released, is_begun] {
      is_begun->set_value();
      released.wait();
      return 0;
    }),
                   asio::detached);
    asio::co_spawn(io_, pool.run([has_run] {
      *has_run = true;
      return 0;
    }),
                   asio::detached);
    io_.poll();
    is_begun->get_future().wait();
  }
  release.set_value();
  EXPECT_FALSE(*has_run);
}

}  // namespace
}  // namespace shim
