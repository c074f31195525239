// Work that blocks (files, name look-ups, starting a program), done off the I/O thread.
//
// Threads start when there is work for them, at most `max_threads`, and end after being idle for a while: a shim that
// never reads a file has none. Work beyond that waits its turn, first come, first served. A thread that hangs (a dead
// NFS server, a silent name server) is never waited for: neither by who asked, once he is cancelled, nor at exit.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace shim {

class WorkerPool {
 public:
  explicit WorkerPool(std::size_t max_threads);
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;
  // Drops the work that has not begun. The result of what has goes nowhere.
  ~WorkerPool();

  // The result of `work()`, which runs on a thread of the pool, and so borrows nothing from the caller, who may be gone
  // by then. It must not throw. A cancelled coroutine ends at once, with operation_aborted.
  // REQUIRES: the pool is destroyed before the caller's execution context.
  template <class Work>
  boost::asio::awaitable<std::invoke_result_t<Work>> run(Work work) {
    using Result = std::invoke_result_t<Work>;
    const auto executor = co_await boost::asio::this_coro::executor;
    const auto job = std::make_shared<Job<Result>>(executor);
    // The thread owns nothing of the job: it may end after the caller's execution context, and with it the timer's.
    submit([waiting = std::weak_ptr(job), executor, work = std::move(work)](const Deliver& deliver) mutable {
      auto result = std::make_shared<Result>(work());
      deliver(executor, [waiting, result] {
        const auto waiter = waiting.lock();
        if (!waiter) return;
        waiter->result = std::move(*result);
        waiter->done.cancel();
      });
    });
    boost::system::error_code ended;  // always by a cancel: by the result, or by the caller's
    co_await job->done.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, ended));
    if (!job->result) throw boost::system::system_error(boost::asio::error::operation_aborted);
    co_return std::move(*job->result);
  }

 private:
  template <class Result>
  struct Job {
    explicit Job(const boost::asio::any_io_executor& executor)
        : done(executor, boost::asio::steady_timer::time_point::max()) {}
    boost::asio::steady_timer done;
    std::optional<Result> result;  // of the caller's thread
  };
  // Posts to the caller's executor, unless the pool is gone, and with it maybe the executor's context.
  using Deliver = std::function<void(const boost::asio::any_io_executor&, std::function<void()>)>;
  using Task = std::function<void(const Deliver&)>;
  struct State;

  void submit(Task task);
  static void serve(const std::shared_ptr<State>& state);

  std::shared_ptr<State> state_;  // shared with the threads
};

}  // namespace shim
