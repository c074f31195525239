// `http.address`: where the shim is asked over TCP by Prometheus, by probes and by people's browsers.
//
// Not worth a pod: where it cannot be opened, one error says why, the shim serves without it, and it is tried again
// now and then, as the address of a node's interface may come later. On the I/O thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "observe/router.h"

namespace shim::commands {

// Of `127.0.0.1:9731`, `[::1]:9731`, `localhost:9731`; without a host, `:9731`, it is loopback. Errors: a host's name,
// which would have to be looked up.
Expected<boost::asio::ip::tcp::endpoint> parse_endpoint(std::string_view text);

class HttpEndpoint {
 public:
  struct Options {
    std::chrono::milliseconds retry{5000};
    std::chrono::milliseconds handling_time{5000};
  };

  HttpEndpoint(boost::asio::io_context& io, observe::Router router, Options options);
  HttpEndpoint(const HttpEndpoint&) = delete;
  HttpEndpoint& operator=(const HttpEndpoint&) = delete;
  ~HttpEndpoint();

  // Serves at this address from now on, and no longer at the one before; empty: nowhere. Nothing happens where it is
  // the same.
  void configure(const std::string& address);
  // Where it serves, with the port that the kernel chose for port 0; empty: nowhere.
  std::string serving_at() const;

 private:
  struct State;
  struct Listener;

  std::shared_ptr<State> state_;  // shared with the coroutine that tries again
};

}  // namespace shim::commands
