// Connections that have something to write, flushed once at the end of the event that gave it to them.
//
// A call that crosses the shim touches two connections; without this each frame would be a write of its own. Reading
// a socket opens a Batch; when the outermost ends, every scheduled member is flushed. Outside a batch (a timer, a
// registry's answer) the flush is posted to the executor. One queue per I/O thread.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/io_context.hpp>
#include <memory>
#include <vector>

namespace shim::http2 {

class FlushQueue {
 public:
  class Member {
   public:
    virtual void flush() = 0;

   protected:
    ~Member() = default;

   private:
    friend class FlushQueue;
    bool is_scheduled_ = false;
  };

  class Batch {
   public:
    explicit Batch(FlushQueue& queue) : queue_(queue) { ++queue_.depth_; }
    ~Batch() {
      if (--queue_.depth_ == 0) queue_.run();
    }
    Batch(const Batch&) = delete;
    Batch& operator=(const Batch&) = delete;

   private:
    FlushQueue& queue_;
  };

  explicit FlushQueue(boost::asio::io_context& context) : executor_(context.get_executor()) {}
  FlushQueue(const FlushQueue&) = delete;
  FlushQueue& operator=(const FlushQueue&) = delete;

  // Keeps `member` alive until it is flushed.
  void schedule(std::shared_ptr<Member> member);
  boost::asio::io_context::executor_type executor() const { return executor_; }

 private:
  void run();

  boost::asio::io_context::executor_type executor_;
  std::vector<std::shared_ptr<Member>> scheduled_;
  std::vector<std::shared_ptr<Member>> running_;
  int depth_ = 0;
  bool is_posted_ = false;
};

}  // namespace shim::http2
