#include "commands/http_endpoint.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/socket_base.hpp>
#include <boost/asio/steady_timer.hpp>
#include <charconv>
#include <cstdint>
#include <optional>
#include <sstream>
#include <utility>

#include "observe/http_server.h"

namespace shim::commands {

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

constexpr std::string_view kWhatToDo = "no metrics, health endpoints and page there; calls are served all the same";

std::string text_of(const tcp::endpoint& endpoint) {
  std::ostringstream text;
  text << endpoint;
  return text.str();
}

Expected<tcp::acceptor> listen_at(asio::io_context& io, const tcp::endpoint& endpoint) {
  boost::system::error_code error;
  tcp::acceptor acceptor(io);
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(asio::socket_base::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) return fail(error.message());
  return acceptor;
}

}  // namespace

Expected<tcp::endpoint> parse_endpoint(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  std::string_view host = text.substr(0, colon);
  const std::string_view digits = colon == text.npos ? std::string_view() : text.substr(colon + 1);
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (digits.empty() || error != std::errc() || end != digits.data() + digits.size()) {
    return fail("it is not host:port");
  }
  if (host.empty() || host == "localhost") return tcp::endpoint(asio::ip::address_v4::loopback(), port);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  boost::system::error_code not_an_address;
  const auto address = asio::ip::make_address(std::string(host), not_an_address);
  if (not_an_address) return fail(fmt::format("{} is not an IP address; names but localhost are not looked up", host));
  return tcp::endpoint(address, port);
}

struct HttpEndpoint::Listener {
  Listener(tcp::acceptor accepting, observe::Router router, observe::HttpServer::Limits limits)
      : acceptor(std::move(accepting)), server(std::move(router), limits) {
    server.serve(acceptor);
  }

  tcp::acceptor acceptor;
  observe::HttpServer server;
};

struct HttpEndpoint::State : std::enable_shared_from_this<State> {
  State(asio::io_context& its_io, observe::Router its_router, Options its_options)
      : io(its_io), router(std::move(its_router)), options(its_options), retry(its_io) {}

  void open() {
    const auto endpoint = parse_endpoint(address);
    if (!endpoint) return spdlog::error("http.address {}: {}; {}", address, endpoint.error().message, kWhatToDo);
    auto acceptor = listen_at(io, *endpoint);
    if (!acceptor) {
      if (!std::exchange(has_told, true)) {
        spdlog::error("http.address {}: cannot listen there: {}; {}. Tried again every {} s", address,
                      acceptor.error().message, kWhatToDo,
                      std::chrono::duration_cast<std::chrono::seconds>(options.retry).count());
      }
      return try_again();
    }
    listener.emplace(std::move(*acceptor), router, observe::HttpServer::Limits{.handling_time = options.handling_time});
    spdlog::info("metrics and health at http://{}/metrics", text_of(listener->acceptor.local_endpoint()));
  }

  void try_again() {
    retry.expires_after(options.retry);
    retry.async_wait([weak = weak_from_this()](const boost::system::error_code& cancelled) {
      const auto self = weak.lock();
      if (!cancelled && self) self->open();
    });
  }

  asio::io_context& io;
  const observe::Router router;
  const Options options;
  asio::steady_timer retry;
  std::string address;
  bool has_told = false;  // that it cannot listen there
  std::optional<Listener> listener;
};

HttpEndpoint::HttpEndpoint(asio::io_context& io, observe::Router router, Options options)
    : state_(std::make_shared<State>(io, std::move(router), options)) {}

HttpEndpoint::~HttpEndpoint() = default;

void HttpEndpoint::configure(const std::string& address) {
  State& state = *state_;
  if (address == state.address) return;
  state.address = address;
  state.has_told = false;
  state.retry.cancel();
  if (state.listener) spdlog::info("no metrics and health at the former http.address any more");
  state.listener.reset();
  if (!address.empty()) state.open();
}

std::string HttpEndpoint::serving_at() const {
  return state_->listener ? text_of(state_->listener->acceptor.local_endpoint()) : std::string();
}

}  // namespace shim::commands
