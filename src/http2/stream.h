// One stream of a Connection: what goes out on it, and who listens to what comes in.
#pragma once

#include <boost/intrusive/list_hook.hpp>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "http2/header_list.h"

namespace shim::http2 {

class Connection;

// Told what arrives on a stream. Calls come from inside the session: a listener may send on, reset or consume any
// stream, but only on_close() may destroy the listener, and nothing of the stream may be used after it.
class StreamListener {
 public:
  // Client: the final response headers. With `is_end` they are all of the response (gRPC's trailers-only).
  virtual void on_headers(HeaderList&& headers, bool is_end) = 0;
  // Octets of the body, borrowed for the call. Their window is given back by Stream::consume().
  virtual void on_data(std::string_view octets) = 0;
  // The last header block; on_end() does not follow.
  virtual void on_trailers(HeaderList&& trailers) = 0;
  // The end of the body without trailers.
  virtual void on_end() = 0;
  // `octets` of what was sent on this stream have been taken by the peer's window and are on their way.
  virtual void on_taken(std::size_t octets) = 0;
  // The stream is gone: complete in both directions (NO_ERROR), reset by either side, or lost with its connection.
  virtual void on_close(std::uint32_t error_code, bool connection_lost) = 0;

 protected:
  ~StreamListener() = default;
};

class Stream : public boost::intrusive::list_base_hook<> {
 public:
  // Null: what arrives is thrown away.
  void set_listener(StreamListener* listener) { listener_ = listener; }
  StreamListener* listener() const { return listener_; }

  // Server: the response headers; with `is_end` nothing follows them.
  void send_headers(const HeaderList& headers, bool is_end);
  // Queues octets of the body; on_taken() tells when they have gone.
  void send_data(std::string_view octets);
  // The same for one gRPC message, of which a large one is moved instead of copied. REQUIRES: nothing but the end
  // follows it on this stream.
  void send_message(std::string_view prefix, std::string&& message);
  // Ends our direction, after what is queued: with END_STREAM on the last DATA, or with trailers.
  void send_end();
  void send_trailers(HeaderList&& trailers);
  // Resets the stream now; what is queued is dropped.
  void reset(std::uint32_t error_code);
  // Resets the stream once everything queued, trailers included, is written. With NO_ERROR, which only says that the
  // rest of the peer's body is not wanted (RFC 9113 §8.1), nothing is sent where the peer has ended by then.
  void reset_after_queued(std::uint32_t error_code);
  // Gives `octets` of received body back to the peer's window.
  void consume(std::size_t octets);

  std::int32_t id() const { return id_; }
  bool headers_too_large() const { return headers_too_large_; }
  // True once our direction has ended or is about to.
  bool has_ended() const { return has_ended_; }
  std::size_t queued() const { return queued_.size() - queued_head_ + last_message_.size() - last_message_head_; }

 private:
  friend class Connection;
  Stream(Connection& connection, std::int32_t id) : connection_(connection), id_(id) {}

  void append(std::string_view octets);
  void take_queued(std::size_t octets, std::string& out);
  void resume();
  void on_written(bool is_end);
  void refuse(std::uint32_t error_code);

  Connection& connection_;
  StreamListener* listener_ = nullptr;
  std::int32_t id_;

  // Outgoing: octets that wait for the peer's window, then the end of our direction.
  std::string queued_;
  std::size_t queued_head_ = 0;
  std::string last_message_;  // large, after `queued_`
  std::size_t last_message_head_ = 0;
  std::optional<HeaderList> trailers_;
  bool has_ended_ = false;
  bool end_is_written_ = false;
  bool is_deferred_ = false;  // nghttp2 waits for resume()
  std::optional<std::uint32_t> reset_after_queued_;

  // Incoming: the header block being received, and what RFC 9113 §8 wants checked.
  HeaderList block_;
  bool headers_too_large_ = false;
  bool peer_has_ended_ = false;
  bool has_headers_ = false;                   // the request's or the final response's
  std::optional<std::uint32_t> refused_with_;  // what was received is malformed, or too large
  std::optional<std::uint64_t> content_length_;
  std::uint64_t received_ = 0;
};

}  // namespace shim::http2
