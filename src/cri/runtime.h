// The container runtime as the image calls need it: one unary call at a time.
//
// A process boundary, so an interface: proxy/ implements it on HTTP/2, tests with a table in memory.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/byte_budget.h"
#include "http2/grpc.h"
#include "http2/header_list.h"

namespace shim::cri {

enum class Service { image, runtime };

// The call that the shim works for: the caller's metadata and deadline go with every call made for it.
struct Caller {
  http2::HeaderList headers;
  std::optional<std::chrono::steady_clock::time_point> deadline;
};

// How a call ended, and everything the runtime sent with it, so that what is not changed can be forwarded as it came.
struct Reply {
  http2::HeaderList headers;  // the runtime's; empty for trailers-only and for replies of the shim's own
  std::string message;
  bool has_message = false;
  bool is_compressed = false;  // the message is opaque
  http2::HeaderList trailers;  // grpc-status and all that came with it
  http2::Status status;
  bool runtime_is_lost = false;  // not reached, or its connection broke during the call
  bool is_cancelled = false;     // the caller is gone
  ByteBudget::Hold hold;         // what `message` counts for in the total of buffered messages

  bool is_ok() const { return status.is_ok(); }
  static Reply error(http2::StatusCode code, std::string message);
  static Reply success(std::string message);
};

class Runtime {
 public:
  // Calls `method` (`ImageStatus`) in the dialect that the runtime speaks, within `time_limit` and the caller's
  // deadline, whichever is shorter. Never throws but for the caller's cancellation, which also resets the call.
  virtual boost::asio::awaitable<Reply> call(const Caller& caller, Service service, std::string_view method,
                                             std::string message, std::chrono::nanoseconds time_limit) = 0;

 protected:
  ~Runtime() = default;
};

}  // namespace shim::cri
