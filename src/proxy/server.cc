#include "proxy/server.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdint>
#include <utility>
#include <vector>

namespace shim::proxy {
namespace {

using namespace std::chrono_literals;

constexpr auto kAcceptPause = 100ms;     // after an accept that failed (no descriptors left)
constexpr auto kGoawayInterval = 100ms;  // between the two steps: calls on their way still arrive
constexpr auto kDrainPoll = 20ms;
constexpr std::chrono::nanoseconds kLastCalls = 1s;  // of a drain, for calls that began during it; at most half of it
constexpr auto kAwaiting = boost::asio::as_tuple(boost::asio::use_awaitable);

}  // namespace

Server::Server(TunnelContext& context, http2::UnixListener listener, Options options)
    : context_(context), listener_(std::move(listener)), options_(options) {}

Server::~Server() {
  listener_.close();
  const auto tunnels = std::exchange(tunnels_, {});
  for (const auto& tunnel : tunnels) tunnel->close("the shim stops");
}

void Server::start() {
  boost::asio::co_spawn(context_.io, accept(), boost::asio::detached);
}

boost::asio::awaitable<void> Server::accept() {
  for (;;) {
    auto [error, socket] = co_await listener_.acceptor().async_accept(kAwaiting);
    if (error == boost::asio::error::operation_aborted || (error && is_draining_)) co_return;
    if (error) {
      spdlog::error("cannot accept a connection: {}; trying again", error.message());
      boost::asio::steady_timer pause(context_.io, kAcceptPause);
      co_await pause.async_wait(kAwaiting);
      continue;
    }
    if (tunnels_.size() >= options_.max_connections) {
      if (!std::exchange(is_full_, true)) {
        spdlog::warn("{} clients are connected, which is the maximum; further ones are refused", tunnels_.size());
      }
      continue;  // closes it
    }
    auto tunnel = std::make_shared<Tunnel>(context_, static_cast<Tunnel::Observer&>(*this));
    tunnels_.push_back(tunnel);
    tunnel->start(std::move(socket));
    if (is_draining_) co_return tunnel->announce_end();  // it was accepted before the listener closed
  }
}

void Server::on_tunnel_closed(Tunnel& tunnel, std::string_view reason) {
  spdlog::debug("a client's connection ended: {}", reason);
  is_full_ = false;
  const auto is_it = [&](const auto& held) { return held.get() == &tunnel; };
  const auto at = std::find_if(tunnels_.begin(), tunnels_.end(), is_it);
  if (at == tunnels_.end()) return;
  // The tunnel is in the middle of this call: it goes with the next event.
  boost::asio::post(context_.io, [keep = std::move(*at)] {});
  tunnels_.erase(at);
}

std::size_t Server::calls_in_flight() const {
  std::size_t calls = 0;
  for (const auto& tunnel : tunnels_) calls += tunnel->calls_in_flight();
  return calls;
}

boost::asio::awaitable<void> Server::finish_present_calls(std::chrono::steady_clock::time_point end) {
  std::vector<std::pair<std::weak_ptr<Tunnel>, std::int32_t>> present;
  for (const auto& tunnel : tunnels_) present.emplace_back(tunnel, tunnel->last_call());
  const auto has_calls = [](const auto& held) {
    const auto tunnel = held.first.lock();
    return tunnel && tunnel->has_calls_up_to(held.second);
  };
  boost::asio::steady_timer timer(context_.io);
  while (std::ranges::any_of(present, has_calls) && std::chrono::steady_clock::now() < end) {
    timer.expires_after(kDrainPoll);
    co_await timer.async_wait(kAwaiting);
  }
}

boost::asio::awaitable<void> Server::drain(std::chrono::nanoseconds timeout) {
  const auto end = std::chrono::steady_clock::now() + timeout;
  if (listener_.is_adopted()) co_await finish_present_calls(end - std::min(kLastCalls, timeout / 2));
  is_draining_ = true;
  listener_.close();
  boost::asio::steady_timer timer(context_.io);
  const auto pause = [&](std::chrono::nanoseconds time) {
    timer.expires_after(time);
    return timer.async_wait(kAwaiting);
  };

  for (const auto& tunnel : tunnels_) tunnel->announce_end();
  co_await pause(kGoawayInterval);
  for (const auto& tunnel : tunnels_) tunnel->refuse_new_calls();
  while (calls_in_flight() != 0 && std::chrono::steady_clock::now() < end) co_await pause(kDrainPoll);

  if (const std::size_t cut = calls_in_flight(); cut != 0) {
    spdlog::warn("{} calls did not end within drainTimeout and are cut", cut);
  }
  const auto tunnels = std::exchange(tunnels_, {});
  for (const auto& tunnel : tunnels) tunnel->close("the shim stops");
}

}  // namespace shim::proxy
