// The listening end: accepts clients, gives each its tunnel, and drains them at the end.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstddef>
#include <list>
#include <memory>

#include "http2/unix_socket.h"
#include "proxy/tunnel.h"

namespace shim::proxy {

class Server final : private Tunnel::Observer {
 public:
  struct Options {
    std::size_t max_connections = 1024;
  };

  // REQUIRES: `context` outlives the server.
  Server(TunnelContext& context, http2::UnixListener listener, Options options);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Begins to accept.
  void start();
  // Stops accepting, removes the socket file, tells clients to go (GOAWAY in two steps), and returns when no call is
  // in flight any more or `timeout` has passed; what is left then is cut.
  // Where systemd holds the socket, who connects anew waits for the next process, and the kubelet waits 5 s: there it
  // serves on as before until the calls that are in flight now have ended, but for a last share of `timeout`.
  boost::asio::awaitable<void> drain(std::chrono::nanoseconds timeout);

  http2::UnixListener& listener() { return listener_; }
  std::size_t connections() const { return tunnels_.size(); }
  std::size_t calls_in_flight() const;

 private:
  boost::asio::awaitable<void> accept();
  void on_tunnel_closed(Tunnel& tunnel, std::string_view reason) override;
  boost::asio::awaitable<void> finish_present_calls(std::chrono::steady_clock::time_point end);

  TunnelContext& context_;
  http2::UnixListener listener_;
  const Options options_;
  std::list<std::shared_ptr<Tunnel>> tunnels_;
  bool is_draining_ = false;
  bool is_full_ = false;  // said once, until a connection ends
};

}  // namespace shim::proxy
