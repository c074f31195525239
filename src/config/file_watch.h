// Tells that a configuration file may have changed, so that it is worth a look.
//
// A hint, not a fact: the content decides. Bursts of events (an editor's rename dance, Kubernetes' `..data` swap) are
// told once, when they are over; so is a file whose writer takes his time. File and folders may be missing, deleted and
// made again. Where the kernel gives no watches the caller's poll is what is left, and that is told. On the I/O thread.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "base/worker_pool.h"

namespace shim::config {

class FileWatch {
 public:
  struct Options {
    std::chrono::milliseconds quiet{20};        // without an event: the burst is over
    std::chrono::milliseconds unfinished{500};  // the same while a writer has not closed the file
    std::chrono::milliseconds longest{2000};    // then a burst is told in any case
  };
  struct Listener {
    // Also once when watching begins: what changed before that was not seen.
    std::function<void()> on_change;
    // Nothing is watched, and why; once for each reason.
    std::function<void(const std::string& why)> on_blind;
  };

  // Begins to watch. `workers` must outlive the FileWatch.
  FileWatch(const boost::asio::any_io_executor& executor, WorkerPool& workers, std::string path, Listener listener,
            Options options);
  FileWatch(const FileWatch&) = delete;
  FileWatch& operator=(const FileWatch&) = delete;
  // The listener is not called any more.
  ~FileWatch();

  // Looks anew which folders to watch: for where a folder further up was replaced, or the kernel had no watch left.
  void renew();

 private:
  struct State;

  static boost::asio::awaitable<void> follow(std::shared_ptr<State> state);

  std::shared_ptr<State> state_;
};

}  // namespace shim::config
