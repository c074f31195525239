// One HTTP/2 connection over a unix socket: an nghttp2 session, its socket, and its streams.
//
// Frames become calls on listeners; what is queued on streams leaves with the next flush. Everything happens on the
// I/O thread. A Connection never deletes itself or its listener inside a call: it closes, tells every stream's
// listener and its own, and lives until its last shared_ptr and pending socket wait are gone.
//
// nghttp2 runs with `no_http_messaging` (see message_rules.h) and without automatic window updates: the connection
// window is given back on receipt, a stream's window only by Stream::consume(), so that a paused stream stalls no
// other and holds at most `Limits::stream_window` octets.
#pragma once

#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/intrusive/list.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http2/flush_queue.h"
#include "http2/header_list.h"
#include "http2/stream.h"

struct nghttp2_session;

namespace shim::http2 {

struct Limits {
  std::uint32_t max_concurrent_streams = 4096;         // a slow ExecSync probe must not block Status
  std::uint32_t stream_window = 1024 * 1024;           // octets that one paused stream may hold
  std::uint32_t connection_window = 16 * 1024 * 1024;  // octets; given back on receipt
  std::uint32_t max_header_list = 64 * 1024;           // octets as RFC 9113 §6.5.2 counts them
  std::uint64_t reset_burst = 10'000;                  // nghttp2's default closes after 1,001 quick resets
  std::uint64_t resets_per_second = 1'000;
  std::chrono::steady_clock::duration preface_timeout = std::chrono::seconds(10);
};

class Connection;

class ConnectionListener {
 public:
  // Server: the header block of a new request is complete and well-formed. The listener takes the stream over with
  // Stream::set_listener(), or resets it. `headers` exceeding Limits::max_header_list arrive cut, with
  // stream.headers_too_large() true.
  virtual void on_request(Stream& stream, HeaderList&& headers, bool is_end) = 0;
  // Client: the peer goes away after the streams that it accepted; new requests need a new connection.
  virtual void on_goaway(Connection&) {}
  // The connection is over, for the reason given. Its streams' listeners have been told before.
  virtual void on_closed(Connection& connection, std::string_view reason) = 0;

 protected:
  ~ConnectionListener() = default;
};

class Connection final : public std::enable_shared_from_this<Connection>, public FlushQueue::Member {
 public:
  struct Callbacks;  // nghttp2's, in nghttp2_callbacks.cc
  enum class Role { client, server };
  using Socket = boost::asio::local::stream_protocol::socket;

  // REQUIRES: `queue` and `listener` outlive the connection's open state; detach() ends the latter's part earlier.
  static std::shared_ptr<Connection> create(Role role, const Limits& limits, FlushQueue& queue,
                                            ConnectionListener& listener);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Begins to read and write. Requests submitted before wait in the session.
  void start(Socket socket);
  // Ends the connection now: streams' listeners see connection_lost, the socket closes. Idempotent.
  // From inside a listener's call of this same connection it takes effect when nghttp2, which still holds the streams,
  // has returned.
  void close(std::string_view reason);
  // No more calls to the connection's listener.
  void detach() { listener_ = nullptr; }

  // Client: opens a stream. Null where this connection takes no more requests (GOAWAY, stream ids used up, closed).
  Stream* submit_request(const HeaderList& headers, bool is_end, StreamListener& listener);

  // Server: RFC 9113 §6.8, the two steps of a graceful end: no new streams soon, then none from now.
  void announce_goaway();
  void finish_goaway();

  bool is_open() const { return !is_closed_; }
  bool accepts_requests() const;
  std::size_t open_streams() const { return streams_.size(); }
  // Server: the id of the last stream that was begun; whether one of those up to `id` is still open.
  std::int32_t last_stream() const;
  bool has_streams_up_to(std::int32_t id) const;

  // FlushQueue: writes what the session has ready; waits for the socket where it is full.
  void flush() override;

 private:
  friend class Stream;
  struct SessionDeleter {
    void operator()(nghttp2_session* session) const;
  };
  using StreamList = boost::intrusive::list<Stream, boost::intrusive::constant_time_size<true>>;

  Connection(Role role, const Limits& limits, FlushQueue& queue, ConnectionListener& listener);

  void submit_settings();
  void wait_readable();
  void wait_writable();
  void read_some();
  bool feed(const std::uint8_t* octets, std::size_t size);
  template <class Function>
  ssize_t in_session(Function function);
  bool write_out(std::string_view octets);
  static std::string& frames_out();  // what flush() is about to write
  void close_when_done();
  void arm_preface_timer();

  Stream& add_stream(std::int32_t id);
  void remove_stream(Stream& stream, std::uint32_t error_code, bool connection_lost);
  void on_block_complete(Stream& stream, bool is_end);
  void on_end_of_stream(Stream& stream);

  const Role role_;
  const Limits limits_;
  FlushQueue& queue_;
  ConnectionListener* listener_;
  std::unique_ptr<nghttp2_session, SessionDeleter> session_;
  StreamList streams_;  // owned; removed by remove_stream()
  std::unique_ptr<Socket> socket_;
  std::unique_ptr<boost::asio::steady_timer> preface_timer_;  // server, until the client's SETTINGS arrive
  std::string unsent_;  // what the socket did not take; nothing else is produced until it is gone
  bool is_waiting_writable_ = false;
  bool is_closed_ = false;
  bool is_in_session_ = false;               // inside nghttp2, so that its callbacks may run
  std::optional<std::string> close_reason_;  // close() was called there
};

}  // namespace shim::http2
