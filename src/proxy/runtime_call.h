// One unary call that the shim makes to the runtime over a RuntimeLink.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/byte_budget.h"
#include "cri/runtime.h"
#include "http2/header_list.h"
#include "proxy/deadline_queue.h"
#include "proxy/runtime_link.h"

namespace shim::proxy {

struct CallLimits {
  std::size_t max_message = 16 * 1024 * 1024;  // octets of one message
  ByteBudget& budget;                          // octets of all buffered messages
  DeadlineQueue& deadlines;
};

// `headers` are the request's, `:path` included and without grpc-timeout, which is made of `time_limit`. Ends with a
// Reply in every case; the caller's cancellation (asio's) resets the stream and gives `is_cancelled`.
boost::asio::awaitable<cri::Reply> call_runtime(RuntimeLink& link, http2::HeaderList headers, std::string message,
                                                std::chrono::nanoseconds time_limit, CallLimits limits);

// A caller's headers for a call made for it: its metadata with another path, and without what belongs to the caller's
// own message and deadline. The answer is read here, so that no compression is offered.
http2::HeaderList forwarded_headers(const http2::HeaderList& caller, std::string_view path);
// The headers of a call that the shim makes for itself, of no caller's.
http2::HeaderList own_request_headers(std::string_view path);

}  // namespace shim::proxy
