// Unix sockets at the two edges: connecting to the runtime's, and listening on our own.
#pragma once

#include <sys/types.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <expected>
#include <string>

#include "base/error.h"

namespace shim::http2 {

using UnixSocket = boost::asio::local::stream_protocol::socket;
using UnixAcceptor = boost::asio::local::stream_protocol::acceptor;

struct ConnectFailure {
  bool is_busy = false;  // the listener's backlog is full: worth another try in a moment
  std::string reason;    // `no such file or directory`, `connection refused` …
  int number = 0;        // errno; 0 where the path is no socket's
};

// Connects without blocking. A unix socket answers at once; only a full backlog does not (EAGAIN), which Boost.Asio's
// own connect reports as success.
std::expected<UnixSocket, ConnectFailure> connect_unix(boost::asio::io_context& context, const std::string& path);

// Who may connect to a listening socket.
struct SocketAccess {
  mode_t mode = 0600;
  uid_t owner = 0;
  gid_t group = 0;
};
// Those of the socket at `path` (the runtime's), or root's alone where it is unknown.
SocketAccess access_of(const std::string& path);

// A listening socket file that is removed with the listener, if it is still the one that was made.
class UnixListener {
 public:
  // Replaces a stale socket file atomically. Errors: another process answers there (with its name and pid), the path
  // is not a socket, its folder is missing or not writable.
  static Expected<UnixListener> bind(boost::asio::io_context& context, const std::string& path,
                                     const SocketAccess& access);
  // A socket that systemd listens on for us (`LISTEN_FDS`); its file is systemd's.
  static Expected<UnixListener> adopt(boost::asio::io_context& context, int descriptor);

  UnixListener(UnixListener&& other) noexcept;
  UnixListener& operator=(UnixListener&&) = delete;
  ~UnixListener();

  UnixAcceptor& acceptor() { return acceptor_; }
  // Gives the socket file other access (when the runtime's socket appears after ours).
  void set_access(const SocketAccess& access);
  // True where systemd holds the socket too: what connects after close() waits for the next process.
  bool is_adopted() const { return is_adopted_; }
  // True where `path` leads to this socket, by whatever links.
  bool is_at(const std::string& path) const;
  // Stops listening and removes the file.
  void close();

 private:
  UnixListener(UnixAcceptor acceptor, std::string path) : acceptor_(std::move(acceptor)), path_(std::move(path)) {}

  UnixAcceptor acceptor_;
  std::string path_;  // empty: not ours to remove
  dev_t device_ = 0;
  ino_t inode_ = 0;
  bool is_adopted_ = false;
};

}  // namespace shim::http2
