// gRPC over HTTP/2, as far as a proxy needs it: message framing, deadlines and status
// (grpc/doc/PROTOCOL-HTTP2.md).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "http2/header_list.h"

namespace shim::http2 {

enum class StatusCode : int {
  ok = 0,
  cancelled = 1,
  unknown = 2,
  invalid_argument = 3,
  deadline_exceeded = 4,
  not_found = 5,
  already_exists = 6,
  permission_denied = 7,
  resource_exhausted = 8,
  failed_precondition = 9,
  aborted = 10,
  out_of_range = 11,
  unimplemented = 12,
  internal = 13,
  unavailable = 14,
  data_loss = 15,
  unauthenticated = 16,
};

// `NOT_FOUND`, `UNAVAILABLE` …, for messages and logs; `CODE(99)` for a number that gRPC does not define.
std::string status_name(StatusCode code);

struct Status {
  StatusCode code = StatusCode::ok;
  std::string message;
  bool is_ok() const { return code == StatusCode::ok; }
};

// Length-prefixed messages put together from octets that arrive in any pieces.
class MessageReader {
 public:
  static constexpr std::size_t kPrefix = 5;  // one octet of flags, four of length

  explicit MessageReader(std::size_t max_message) : max_message_(max_message) {}

  enum class State { incomplete, complete, too_large };
  // Takes octets up to the end of the current message and removes them from `octets`. With `complete` the message is
  // in message(); take() it before the next feed. With `too_large` the announced length is over the maximum, and
  // nothing more is taken.
  State feed(std::string_view& octets);

  const std::string& message() const { return message_; }
  std::string take();
  bool is_compressed() const { return (prefix_[0] & 1) != 0; }
  bool has_prefix() const { return prefix_size_ == kPrefix; }
  std::uint32_t announced() const;  // octets, from the prefix
  // True between messages: nothing of the next one has arrived.
  bool is_between_messages() const { return prefix_size_ == 0; }

 private:
  std::size_t max_message_;
  std::size_t prefix_size_ = 0;
  unsigned char prefix_[kPrefix] = {};
  std::string message_;
};

// The prefix of a message of `size` octets.
std::string message_prefix(std::size_t size, bool is_compressed = false);

// `grpc-timeout: 100m` and back; nothing where the text is not one. The text is rounded up to the next unit, and to
// the eight digits that the protocol allows.
std::optional<std::chrono::nanoseconds> parse_timeout(std::string_view text);
std::string format_timeout(std::chrono::nanoseconds timeout);

// The status that a trailers block (or a trailers-only response) carries; UNKNOWN where it has none.
Status status_of(const HeaderList& trailers);

// A trailers-only response: `:status: 200`, content-type, grpc-status and the percent-encoded grpc-message (cut to
// what a header list may hold).
HeaderList trailers_only(const Status& status);
// The same from trailers that lack the response's own fields.
HeaderList trailers_only_with(const HeaderList& trailers);
// The headers of a response with a message: `:status: 200` and content-type.
HeaderList response_headers();
// The status as the last block of a response whose headers have been sent.
HeaderList status_trailers(const Status& status);

// How gRPC reads a stream that ended by RST_STREAM with this HTTP/2 error code. With CANCEL servers in grpc-go end a
// call whose deadline has passed, often before the caller's own timer does.
StatusCode status_of_reset(std::uint32_t error_code, bool deadline_has_passed);

}  // namespace shim::http2
