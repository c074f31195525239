// The sockets and the thread of a fake registry.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

#include "fake_registry/protocol.h"

namespace shim::test {

class FakeServer {
 public:
  explicit FakeServer(const FakeRegistryOptions& options);
  FakeServer(FakeServer&&) = delete;
  ~FakeServer();

  const boost::asio::ip::tcp::endpoint& endpoint() const { return endpoint_; }

  template <class Function>
  auto with_protocol(Function function) {
    const std::lock_guard lock(mutex_);
    return function(protocol_);
  }
  void wait_for_requests(std::size_t count);
  void wait_for_closed_connection();

 private:
  boost::asio::awaitable<void> accept();
  boost::asio::awaitable<void> serve(boost::asio::ip::tcp::socket socket, int connection);
  template <class Stream>
  boost::asio::awaitable<void> serve_requests(Stream& stream, int connection);
  // True where the connection stays usable.
  template <class Stream>
  boost::asio::awaitable<bool> send(Stream& stream, const Answer& answer, bool is_head);
  template <class Stream>
  boost::asio::awaitable<bool> misbehave(Stream& stream, const Answer& answer, bool is_head);
  Answer answer(const RecordedRequest& request);
  void count_closed_connection();

  boost::asio::io_context context_{1};
  boost::asio::ip::tcp::acceptor acceptor_;
  boost::asio::ip::tcp::endpoint endpoint_;
  std::optional<boost::asio::ssl::context> tls_;
  std::thread thread_;

  std::mutex mutex_;  // guards what is below
  std::condition_variable changed_;
  Protocol protocol_;
  int closed_connections_ = 0;
};

}  // namespace shim::test
