#include "base/worker_pool.h"

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

namespace shim {

namespace {
constexpr std::chrono::seconds kIdleTime{10};
}

struct WorkerPool::State {
  explicit State(std::size_t most) : max_threads(most) {}

  const std::size_t max_threads;
  std::mutex mutex;  // guards what is below
  std::condition_variable changed;
  std::deque<Task> tasks;
  std::size_t threads = 0;
  std::size_t idle = 0;
  bool is_closed = false;
};

WorkerPool::WorkerPool(std::size_t max_threads) : state_(std::make_shared<State>(max_threads)) {}

WorkerPool::~WorkerPool() {
  std::deque<Task> dropped;
  {
    const std::lock_guard lock(state_->mutex);
    state_->is_closed = true;
    dropped.swap(state_->tasks);
  }
  state_->changed.notify_all();
}

void WorkerPool::submit(Task task) {
  const std::lock_guard lock(state_->mutex);
  state_->tasks.push_back(std::move(task));
  if (state_->idle >= state_->tasks.size()) {
    state_->changed.notify_one();
  } else if (state_->threads < state_->max_threads) {
    ++state_->threads;
    std::thread([state = state_] { serve(state); }).detach();
  }
}

void WorkerPool::serve(const std::shared_ptr<State>& state) {
  // The lock is held while posting, so that the destructor returns only when no more posts can come.
  const Deliver deliver = [&state](const boost::asio::any_io_executor& executor, std::function<void()> function) {
    const std::lock_guard lock(state->mutex);
    if (!state->is_closed) boost::asio::post(executor, std::move(function));
  };
  std::unique_lock lock(state->mutex);
  for (;;) {
    ++state->idle;
    state->changed.wait_for(lock, kIdleTime, [&] { return state->is_closed || !state->tasks.empty(); });
    --state->idle;
    if (state->is_closed || state->tasks.empty()) break;
    {
      const Task task = std::move(state->tasks.front());
      state->tasks.pop_front();
      lock.unlock();
      task(deliver);
    }
    lock.lock();
  }
  --state->threads;
}

}  // namespace shim
