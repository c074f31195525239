// A small HTTP/1.1 server for what the shim says of itself: on the admin socket, or on a TCP port.
//
// GET only, one request a connection, everything bounded: a client that sends nothing, half a request or endless
// fields, or that never reads its answer, has its connection until a time is up, and costs nobody else more than one of
// `max_connections`. Everything runs on the thread of the acceptors' executor.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <chrono>
#include <cstddef>
#include <memory>

#include "observe/router.h"

namespace shim::observe {

class HttpServer {
 public:
  struct Limits {
    std::size_t max_head_bytes = 16 * 1024;           // request line and fields
    std::size_t max_connections = 16;                 // further ones get 503 at once
    std::chrono::milliseconds arriving_time{10'000};  // for a request, from connecting on
    std::chrono::milliseconds handling_time{60'000};  // for the handler; 504 after it
    std::chrono::milliseconds sending_time{10'000};   // for the client to take the answer
  };

  HttpServer(Router router, Limits limits);
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;
  // Accepts nothing more. Connections there are may end with their answer; handlers are kept for as long.
  ~HttpServer();

  // Serves who connects to `acceptor`, until it is closed. It is borrowed for as long as the HttpServer is there, and
  // listens already.
  void serve(boost::asio::local::stream_protocol::acceptor& acceptor);
  void serve(boost::asio::ip::tcp::acceptor& acceptor);

  std::size_t connections() const;

 private:
  struct State;
  std::shared_ptr<State> state_;  // shared with the coroutines
};

}  // namespace shim::observe
