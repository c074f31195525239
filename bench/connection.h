// One HTTP/2 connection on a non-blocking socket: nghttp2 speaks, this moves the bytes and keeps epoll informed.
//
// Used by one thread. The callbacks that the session was made with run inside receive() and flush().
#pragma once

#include <nghttp2/nghttp2.h>

#include <memory>
#include <vector>

#include "socket.h"

namespace bench {

struct FreeSession {
  void operator()(nghttp2_session* session) const { nghttp2_session_del(session); }
};
using Session = std::unique_ptr<nghttp2_session, FreeSession>;

class Connection {
 public:
  // Joins `epoll` with `this` as the event's data: REQUIRES that the object does not move.
  Connection(const Fd& epoll, Fd socket);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // REQUIRES: called once, before the two below.
  void start(Session session) { session_ = std::move(session); }
  nghttp2_session* session() const { return session_.get(); }

  // Reads once and lets nghttp2 act on it. False: the peer is gone or broke the protocol.
  bool receive();
  // Writes what nghttp2 has to send, as far as the socket takes it. False: the peer is gone.
  bool flush();

 private:
  void watch_for_room(bool wanted);

  const int epoll_;
  const Fd socket_;
  Session session_;
  std::vector<unsigned char> unsent_;
  bool watches_for_room_ = false;
};

// The settings that both ends use: nghttp2's own checks of HTTP semantics are off, since each end checks what matters.
struct FreeOption {
  void operator()(nghttp2_option* option) const { nghttp2_option_del(option); }
};
std::unique_ptr<nghttp2_option, FreeOption> lean_options();

}  // namespace bench
