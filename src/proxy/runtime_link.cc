#include "proxy/runtime_link.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <utility>

#include "http2/unix_socket.h"

namespace shim::proxy {
namespace {

using namespace std::chrono_literals;

// How long a runtime whose backlog is full (it hangs, or is swamped) is waited for. The caller's deadline ends its own
// call earlier.
constexpr auto kBacklogPatience = 5s;
constexpr auto kBacklogRetry = 10ms;

}  // namespace

std::string unreachable_message(std::string_view socket_path, std::string_view reason) {
  return fmt::format(
      "the container runtime at {} cannot be reached: {} (is it running? see `cri` in the configuration)", socket_path,
      reason);
}

std::string lost_message(std::string_view socket_path) {
  return fmt::format("the connection to the container runtime at {} was lost during the call", socket_path);
}

RuntimeLink::RuntimeLink(boost::asio::io_context& context, http2::FlushQueue& queue, Options options, Observe observe)
    : context_(context), queue_(queue), options_(std::move(options)), observe_(std::move(observe)) {}

RuntimeLink::~RuntimeLink() {
  close();
}

Expected<http2::Stream*> RuntimeLink::open(const http2::HeaderList& headers, bool is_end,
                                           http2::StreamListener& listener) {
  if (is_closed_) return fail("the client is gone");
  if (current_ && !current_->accepts_requests()) on_goaway(*current_);
  if (!current_) {
    if (auto connected = connect(); !connected) return std::unexpected(connected.error());
  }
  http2::Stream* stream = current_->submit_request(headers, is_end, listener);
  if (stream == nullptr) return fail(unreachable_message(options_.socket_path, "it takes no more requests"));
  return stream;
}

Expected<void> RuntimeLink::connect() {
  auto socket = http2::connect_unix(context_, options_.socket_path);
  if (!socket && !socket.error().is_busy) {
    std::string why = unreachable_message(options_.socket_path, socket.error().reason);
    observe_(Event::unreachable, why);
    return fail(std::move(why));
  }
  current_ = http2::Connection::create(http2::Connection::Role::client, options_.limits, queue_, *this);
  observe_(Event::connected, "");
  if (socket) {
    current_->start(std::move(*socket));
  } else {
    connect_when_free(current_);
  }
  return {};
}

void RuntimeLink::connect_when_free(std::shared_ptr<http2::Connection> connection) {
  const auto attempt = [](boost::asio::io_context& context, std::string path,
                          std::weak_ptr<http2::Connection> weak) -> boost::asio::awaitable<void> {
    boost::asio::steady_timer timer(context);
    const auto give_up = std::chrono::steady_clock::now() + kBacklogPatience;
    while (std::chrono::steady_clock::now() < give_up) {
      timer.expires_after(kBacklogRetry);
      co_await timer.async_wait(boost::asio::use_awaitable);
      const auto waiting = weak.lock();
      if (!waiting || !waiting->is_open()) co_return;
      auto socket = http2::connect_unix(context, path);
      if (socket) co_return waiting->start(std::move(*socket));
      if (!socket.error().is_busy) co_return waiting->close(socket.error().reason);
    }
    if (const auto waiting = weak.lock()) waiting->close("its backlog is full: it does not accept connections");
  };
  boost::asio::co_spawn(context_, attempt(context_, options_.socket_path, connection), boost::asio::detached);
}

void RuntimeLink::close() {
  if (std::exchange(is_closed_, true)) return;
  auto connections = std::exchange(draining_, {});
  if (current_) {
    connections.push_back(std::exchange(current_, nullptr));
    observe_(Event::left, "");
  }
  for (auto& connection : connections) {
    connection->detach();
    connection->close("the client is gone");
  }
}

void RuntimeLink::on_goaway(http2::Connection& connection) {
  if (&connection != current_.get()) return;
  draining_.push_back(std::exchange(current_, nullptr));
  observe_(Event::lost, "GOAWAY");
}

void RuntimeLink::on_closed(http2::Connection& connection, std::string_view reason) {
  std::erase_if(draining_, [&](const auto& held) { return held.get() == &connection; });
  if (current_.get() != &connection) return;
  current_.reset();
  observe_(Event::lost, reason);
}

}  // namespace shim::proxy
