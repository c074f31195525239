// The way to the runtime that belongs to one client connection.
//
// Connects when a stream is first wanted, again after a loss, and anew beside a connection that the runtime is
// draining (GOAWAY), whose streams finish. The client's own connection is untouched by any of it.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "http2/connection.h"

namespace shim::proxy {

class RuntimeLink final : private http2::ConnectionListener {
 public:
  struct Options {
    std::string socket_path;
    http2::Limits limits;
  };

  // What becomes of the connection that takes new streams. `lost`: the runtime, not the client, ended it, and may be
  // another process next time. `left`: the client went. `unreachable`: there is none, and none could be made.
  enum class Event { connected, lost, left, unreachable };
  // `why` is for people: of a loss, and of what is unreachable the whole error; else empty.
  using Observe = std::function<void(Event, std::string_view why)>;

  RuntimeLink(boost::asio::io_context& context, http2::FlushQueue& queue, Options options, Observe observe);
  ~RuntimeLink();
  RuntimeLink(const RuntimeLink&) = delete;
  RuntimeLink& operator=(const RuntimeLink&) = delete;

  // Opens a stream. Errors: the socket's path and why it cannot be connected to.
  Expected<http2::Stream*> open(const http2::HeaderList& headers, bool is_end, http2::StreamListener& listener);
  // Closes every connection; what is in flight is lost. No stream can be opened afterwards.
  void close();
  bool is_closed() const { return is_closed_; }
  const std::string& socket_path() const { return options_.socket_path; }

 private:
  void on_request(http2::Stream&, http2::HeaderList&&, bool) override {}
  void on_goaway(http2::Connection& connection) override;
  void on_closed(http2::Connection& connection, std::string_view reason) override;

  Expected<void> connect();
  void connect_when_free(std::shared_ptr<http2::Connection> connection);

  boost::asio::io_context& context_;
  http2::FlushQueue& queue_;
  const Options options_;
  const Observe observe_;
  std::shared_ptr<http2::Connection> current_;                // takes new streams; null where there is none
  std::vector<std::shared_ptr<http2::Connection>> draining_;  // finish what they have
  bool is_closed_ = false;
};

// `the container runtime at PATH cannot be reached: REASON`, with what to look at.
std::string unreachable_message(std::string_view socket_path, std::string_view reason);
// `the connection to the container runtime at PATH was lost during the call`.
std::string lost_message(std::string_view socket_path);

}  // namespace shim::proxy
