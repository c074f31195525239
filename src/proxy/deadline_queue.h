// Deadlines of calls in flight, kept by one timer.
//
// Nearly every call ends long before its deadline, so arming a timer for each would cost a system call for nothing.
// The one timer stands at the earliest deadline that it was told; when it fires, what has passed is told and the
// timer moves on. Single-threaded.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/intrusive/list.hpp>
#include <chrono>
#include <memory>

namespace shim::proxy {

class DeadlineQueue {
 public:
  using Clock = std::chrono::steady_clock;

  // Leaves the queue when it is destroyed.
  class Entry : public boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
   public:
    virtual void on_deadline() = 0;

   protected:
    ~Entry() = default;

   private:
    friend class DeadlineQueue;
    Clock::time_point deadline_;
  };

  explicit DeadlineQueue(boost::asio::io_context& context) : timer_(std::make_shared<Timer>(context)) {}
  ~DeadlineQueue() {
    timer_->queue = nullptr;
    timer_->timer.cancel();
  }
  DeadlineQueue(const DeadlineQueue&) = delete;
  DeadlineQueue& operator=(const DeadlineQueue&) = delete;

  // Calls `entry.on_deadline()` once, at `deadline` or a few milliseconds later; of several, the earliest first.
  void add(Entry& entry, Clock::time_point deadline);

 private:
  struct Timer {
    explicit Timer(boost::asio::io_context& context) : timer(context) {}
    boost::asio::steady_timer timer;
    DeadlineQueue* queue = nullptr;
  };
  using Entries = boost::intrusive::list<Entry, boost::intrusive::constant_time_size<false>>;

  void arm(Clock::time_point deadline);
  void on_timer();

  std::shared_ptr<Timer> timer_;  // shared with its pending wait, which may outlive the queue
  Clock::time_point armed_ = Clock::time_point::max();
  Entries entries_;
};

}  // namespace shim::proxy
