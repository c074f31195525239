// Whether the runtime answers.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstddef>
#include <string>

#include "base/byte_budget.h"
#include "base/error.h"
#include "cri/version.h"
#include "http2/flush_queue.h"
#include "proxy/deadline_queue.h"

namespace shim::proxy {

struct RuntimeQuestion {
  boost::asio::io_context& io;
  http2::FlushQueue& flush_queue;
  DeadlineQueue& deadlines;
  ByteBudget& message_budget;
  std::string socket;
  std::size_t max_message;  // octets
};

// Asks over a connection of its own what the runtime is, in v1 and then in v1alpha2. Any gRPC answer will do: an
// image-only plugin answers UNIMPLEMENTED twice, and so says nothing of itself. Errors: the socket's path and why there
// was no answer within `patience`.
boost::asio::awaitable<Expected<cri::RuntimeVersion>> check_runtime(const RuntimeQuestion& question,
                                                                    std::chrono::nanoseconds patience);

}  // namespace shim::proxy
