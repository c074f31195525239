// For tests of http/: a server that says byte by byte what the test tells it, and look-ups that the test controls.
#pragma once

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "http/client.h"

namespace shim::http::testing {

using Result = std::expected<Response, Failure>;
using Tcp = boost::asio::ip::tcp;

// One connection of a RawServer, blocking. Reads and writes end when the server is destroyed.
class RawConnection {
 public:
  explicit RawConnection(int socket) : socket_(socket) {}

  // What the client sends up to the end of a header; empty when it has closed.
  std::string read_header() {
    std::string text;
    for (char c = 0; !text.ends_with("\r\n\r\n");) {
      if (::recv(socket_, &c, 1, 0) <= 0) return {};
      text += c;
    }
    return text;
  }
  // False where the client, or the test, has closed.
  bool write(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto written = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (written <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
  }
  // True where the client closed in that time.
  bool closes_within(std::chrono::milliseconds time) {
    pollfd wait{.fd = socket_, .events = POLLIN, .revents = 0};
    char c = 0;
    return ::poll(&wait, 1, static_cast<int>(time.count())) > 0 && ::recv(socket_, &c, 1, MSG_PEEK) <= 0;
  }
  void wait_for_close() {
    char bytes[4096];
    while (::recv(socket_, bytes, sizeof bytes, 0) > 0) {
    }
  }
  int socket() const { return socket_; }

 private:
  int socket_;
};

// Serves each connection on a thread of its own, by a function of the connection and its number (from 1).
class RawServer {
 public:
  using Serve = std::function<void(RawConnection&, int number)>;

  // Takes a listening socket over.
  RawServer(int listener, Serve serve) : listener_(listener), serve_(std::move(serve)) {
    thread_ = std::thread([this] { accept_all(); });
  }
  explicit RawServer(Serve serve, const char* address = "127.0.0.1", std::uint16_t port = 0)
      : RawServer(listen_at(address, port), std::move(serve)) {}
  RawServer(RawServer&&) = delete;
  ~RawServer() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    for (const int socket : sockets_) ::shutdown(socket, SHUT_RDWR);
    for (std::thread& thread : threads_) thread.join();
    for (const int socket : sockets_) ::close(socket);
    ::close(listener_);
  }

  static int listen_at(const char* address, std::uint16_t port) {
    const Tcp::endpoint endpoint(boost::asio::ip::make_address(address), port);
    const int socket = ::socket(endpoint.protocol().family(), SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int yes = 1;
    ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (::bind(socket, endpoint.data(), static_cast<socklen_t>(endpoint.size())) != 0 || ::listen(socket, 128) != 0)
      throw std::runtime_error("cannot listen");
    return socket;
  }
  std::uint16_t port() const {
    Tcp::endpoint endpoint;
    auto size = static_cast<socklen_t>(endpoint.capacity());
    ::getsockname(listener_, endpoint.data(), &size);
    return endpoint.port();
  }
  std::string url(const std::string& host = "127.0.0.1", const std::string& scheme = "http") const {
    return scheme + "://" + host + ":" + std::to_string(port()) + "/";
  }

 private:
  void accept_all() {
    for (int number = 1;; ++number) {
      const int socket = ::accept(listener_, nullptr, nullptr);
      if (socket < 0) return;
      sockets_.push_back(socket);
      threads_.emplace_back([this, socket, number] {
        RawConnection connection(socket);
        serve_(connection, number);
        ::shutdown(socket, SHUT_RDWR);
      });
    }
  }

  int listener_;
  Serve serve_;
  std::thread thread_;
  std::vector<int> sockets_;
  std::vector<std::thread> threads_;
};

inline const std::string kHello = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

// Answers each request of a connection with `hello`.
inline void say_hello(RawConnection& connection, int) {
  while (!connection.read_header().empty() && connection.write(kHello)) {
  }
}

// A look-up of names in a table; any other name hangs until release(), then fails.
class LookUpTable {
 public:
  explicit LookUpTable(std::map<std::string, std::string> table) : shared_(std::make_shared<Shared>()) {
    for (const auto& [host, addresses] : table) set(host, addresses);
  }
  ~LookUpTable() { release(); }
  LookUpTable(LookUpTable&&) = delete;

  LookUp function() const {
    return [shared = shared_](const std::string& host) { return shared->find(host); };
  }
  // `127.0.0.1 ::1`, or a reason to fail with: `!Name or service not known`.
  void set(const std::string& host, const std::string& addresses) {
    const std::lock_guard lock(shared_->mutex);
    shared_->table[host] = addresses;
  }
  void release() {
    const std::lock_guard lock(shared_->mutex);
    shared_->is_released = true;
    shared_->changed.notify_all();
  }
  void wait_for_hanging(int count) {
    std::unique_lock lock(shared_->mutex);
    shared_->changed.wait(lock, [&] { return shared_->hanging >= count; });
  }
  int hanging() const {
    const std::lock_guard lock(shared_->mutex);
    return shared_->hanging;
  }
  std::vector<std::string> asked() const {
    const std::lock_guard lock(shared_->mutex);
    return shared_->asked;
  }

 private:
  struct Shared {
    Expected<Addresses> find(const std::string& host) {
      std::unique_lock lock(mutex);
      asked.push_back(host);
      const auto found = table.find(host);
      if (found != table.end()) return parse(found->second);
      ++hanging;
      changed.notify_all();
      changed.wait(lock, [this] { return is_released; });
      --hanging;
      return fail("Temporary failure in name resolution");
    }
    static Expected<Addresses> parse(const std::string& text) {
      if (text.starts_with('!')) return fail(text.substr(1));
      Addresses addresses;
      for (std::size_t at = 0; at < text.size();) {
        const auto end = std::min(text.find(' ', at), text.size());
        addresses.push_back(boost::asio::ip::make_address(text.substr(at, end - at)));
        at = end + 1;
      }
      return addresses;
    }

    std::mutex mutex;  // guards what is below
    std::condition_variable changed;
    std::map<std::string, std::string> table;
    std::vector<std::string> asked;
    int hanging = 0;
    bool is_released = false;
  };
  std::shared_ptr<Shared> shared_;
};

// Runs the loop until the request has ended.
inline Result send(boost::asio::io_context& context, Client& client, Request request) {
  std::optional<Result> result;
  boost::asio::co_spawn(context, client.request(std::move(request)), [&](std::exception_ptr, Result done) {
    result = std::move(done);
    context.stop();  // kept connections leave waits behind
  });
  context.restart();
  context.run();
  return std::move(*result);
}

inline Request request_for(std::string url, std::chrono::milliseconds timeout = std::chrono::seconds(10)) {
  Request request;
  request.url = std::move(url);
  request.timeout = timeout;
  return request;
}

inline std::string message(const Result& result) {
  return result ? "no failure" : result.error().message;
}

}  // namespace shim::http::testing
