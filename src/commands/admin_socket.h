// The admin socket: where a running shim is asked by the commands `resolve` and, later, `status`.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <expected>
#include <memory>
#include <string>

#include "base/error.h"
#include "http/client.h"
#include "http2/unix_socket.h"
#include "observe/http_server.h"

namespace shim::commands {

// The daemon's end: for root alone, removed with the object.
class AdminSocket {
 public:
  // Makes the socket's folder where that is missing; a stale socket file is replaced. Errors: another process answers
  // there, the folder cannot be written to.
  static Expected<std::unique_ptr<AdminSocket>> open(boost::asio::io_context& io, const std::string& path,
                                                     observe::Router router, std::chrono::milliseconds handling_time);

 private:
  AdminSocket(http2::UnixListener listener, observe::Router router, observe::HttpServer::Limits limits);

  http2::UnixListener listener_;
  observe::HttpServer server_;
};

// Why a command got no answer from a shim.
struct AdminFailure : Error {
  enum class Kind {
    not_running,  // nobody listens there
    forbidden,    // this user may not connect
    refused,      // it has answered, with an error: 400, what was asked for makes no sense
    no_answer,    // it did not answer in time, or not as a shim does
  };
  Kind kind = Kind::no_answer;
};

// The body of the shim's answer to a GET of `target` (`/resolve?image=…`). Runs on `io`, which is that of `http`.
boost::asio::awaitable<std::expected<std::string, AdminFailure>> ask_admin(boost::asio::io_context& io,
                                                                           http::Client& http, std::string socket,
                                                                           std::string target,
                                                                           std::chrono::milliseconds timeout);

}  // namespace shim::commands
