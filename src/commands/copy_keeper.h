// Keeps a copy of the configuration that was good last, on a worker, and tries again where that fails.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/worker_pool.h"

namespace shim::commands {

class CopyKeeper {
 public:
  // Why the copy could not be written; empty: it is. Called on the I/O thread.
  using Listener = std::function<void(const std::string& why)>;

  // `there`: what the copy holds, as far as that is known. `workers` must outlive it.
  CopyKeeper(boost::asio::any_io_executor executor, WorkerPool& workers, std::optional<std::string> there,
             Listener listener);
  CopyKeeper(const CopyKeeper&) = delete;
  CopyKeeper& operator=(const CopyKeeper&) = delete;
  // Nothing is written or told any more, but for what a worker has begun.
  ~CopyKeeper();

  // The text to keep from now on. A write that is under way ends first.
  void keep(const std::string& state_directory, const std::string& text);

 private:
  struct State;

  static boost::asio::awaitable<void> write(std::shared_ptr<State> state);

  std::shared_ptr<State> state_;
};

}  // namespace shim::commands
