// Asks the runtime what it is, how it is configured, and whether it has an image, over one connection of its own.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <string>
#include <string_view>

#include "base/byte_budget.h"
#include "base/error.h"
#include "cri/runtime.h"
#include "http2/flush_queue.h"
#include "proxy/deadline_queue.h"
#include "proxy/method.h"
#include "proxy/runtime_link.h"
#include "runtimes/inspection.h"

namespace shim::commands {

class RuntimeInterview {
 public:
  struct Options {
    std::string socket;
    std::size_t max_message = 16 * 1024 * 1024;      // octets of an answer
    std::chrono::steady_clock::time_point deadline;  // of all answers together
  };

  // `io` must outlive it, and it must outlive the run of `io`, in which its connection ends.
  RuntimeInterview(boost::asio::io_context& io, Options options);

  // Asked in `v1`, and in `v1alpha2` where the runtime does not know that. An image-only plugin, which answers that it
  // knows neither, says nothing of itself. Errors: the socket's path, and why there was no answer in time.
  boost::asio::awaitable<Expected<runtimes::Answers>> ask();
  // REQUIRES: ask() had answers. An image-only plugin is asked for ImageFsInfo.
  boost::asio::awaitable<bool> speaks(proxy::Dialect dialect);
  // REQUIRES: ask() had answers. Errors: why it cannot be told.
  boost::asio::awaitable<Expected<bool>> has_image(std::string image);

 private:
  boost::asio::awaitable<cri::Reply> call(cri::Service service, std::string method, std::string message);
  boost::asio::awaitable<cri::Reply> call_in(proxy::Dialect dialect, cri::Service service, std::string method,
                                             std::string message);

  const Options options_;
  http2::FlushQueue flush_queue_;
  proxy::DeadlineQueue deadlines_;
  ByteBudget budget_;
  proxy::RuntimeLink link_;
};

}  // namespace shim::commands
