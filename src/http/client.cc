#include "http/client.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/this_coro.hpp>
#include <chrono>
#include <string_view>
#include <utility>

#include "base/text.h"
#include "base/units.h"
#include "http/connection_queue.h"
#include "http/multi.h"
#include "http/names.h"
#include "http/route.h"
#include "http/silence_alarm.h"
#include "http/transfer.h"
#include "http/url.h"

namespace shim::http {

namespace asio = boost::asio;

namespace {

using Clock = std::chrono::steady_clock;
using TimePoint = Clock::time_point;

// A line break in a field would let a peer's token or a file's password write fields of its own.
bool is_field_text(std::string_view text) {
  return std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; });
}

bool has_valid_fields(const Request& request) {
  for (const Header& field : request.headers.fields()) {
    if (!is_field_text(field.name) || !is_field_text(field.value)) return false;
  }
  return is_field_text(request.content_type) &&
         (!request.authorization || is_field_text(request.authorization->reveal()));
}

bool has_valid_server_name(const TlsOptions& tls, const Url& url) {
  return tls.server_name.empty() || parse_authority(authority_of(tls.server_name, url.port())).has_value();
}

Failure failure(Failure::Kind kind, const Url& url, std::string_view reason) {
  return {{fmt::format("{}: {}", url.origin(), reason)}, kind};
}

std::unexpected<Failure> cancelled(const Url& url) {
  return std::unexpected(failure(Failure::Kind::cancelled, url, "cancelled"));
}

// The time until the head of the answer has come.
std::chrono::milliseconds head_time(const Request& request) {
  return request.head_timeout.count() > 0 ? std::min(request.head_timeout, request.timeout) : request.timeout;
}

std::unexpected<Failure> not_its_turn(const Request& request, const Url& url) {
  const std::string reason = fmt::format("no connection to it became free within {}: other requests were using them",
                                         format_duration(head_time(request)));
  return std::unexpected(failure(Failure::Kind::queued, url, reason));
}

Failure failure_of(const Names::Miss& miss, const Url& url, const Route& route) {
  const std::string what =
      fmt::format("cannot resolve {}{}", route.proxy ? "the proxy " : "", printable(route.host(url)));
  switch (miss.kind) {
    case Names::Miss::Kind::failed:
      return failure(Failure::Kind::unreachable, url, fmt::format("{}: {}", what, miss.message));
    case Names::Miss::Kind::timed_out: {
      const std::string within = format_duration(route.time_given);
      Failure timed_out =
          failure(Failure::Kind::timed_out, url, fmt::format("{}: {} within {}", what, miss.message, within));
      timed_out.time_given = route.time_given;
      return timed_out;
    }
    case Names::Miss::Kind::cancelled:
      return failure(Failure::Kind::cancelled, url, "cancelled");
    case Names::Miss::Kind::crowded:
      return failure(Failure::Kind::queued, url, fmt::format("{}: {}", what, miss.message));
  }
  std::unreachable();
}

Expected<std::optional<Proxy>> proxy_of(const Request& request, const ProxyEnvironment& environment, const Url& url) {
  if (!request.proxy) return proxy_for(environment, url);
  if (request.proxy->empty()) return std::nullopt;
  auto proxy = parse_proxy(*request.proxy);
  if (!proxy) return fail("the proxy given for it is not the URL of a proxy (http://host:port)");
  return proxy;
}

std::unexpected<Failure> invalid(std::string message) {
  return std::unexpected(Failure{{std::move(message)}, Failure::Kind::invalid});
}

}  // namespace

// The part of a Client that its requests in progress share. libcurl starts with the first of them.
class Engine {
 public:
  Engine(boost::asio::any_io_executor executor, ClientOptions options)
      : executor_(std::move(executor)),
        options_(std::move(options)),
        proxies_(options_.proxies ? *options_.proxies : ProxyEnvironment::of_process()),
        names_(executor_, {.look_up = options_.look_up ? options_.look_up : look_up_with_system,
                           .hosts_file = options_.hosts_file}),
        queue_(std::make_shared<ConnectionQueue>(executor_, options_.max_connections_per_host)) {
    if (options_.user_agent.empty()) options_.user_agent = "image-cri-shim/" ICS_VERSION;
  }

  // Why there is no answer, or nothing: the route is set.
  asio::awaitable<std::optional<Failure>> find_route(const Request& request, const Url& url, TimePoint deadline,
                                                     Route& route);
  asio::awaitable<std::expected<Response, Failure>> exchange(const Request& request, const Url& url, TimePoint deadline,
                                                             Route& route);
  void stop_look_ups() { names_.stop(); }

 private:
  Multi& multi() {
    if (!multi_) {
      start_libcurl();
      multi_ = std::make_shared<Multi>(executor_, options_);
    }
    return *multi_;
  }

  asio::any_io_executor executor_;
  ClientOptions options_;
  ProxyEnvironment proxies_;
  Names names_;
  std::shared_ptr<ConnectionQueue> queue_;
  std::shared_ptr<Multi> multi_;
};

asio::awaitable<std::optional<Failure>> Engine::find_route(const Request& request, const Url& url, TimePoint deadline,
                                                           Route& route) {
  route.time_given = head_time(request);
  route.unix_socket = request.unix_socket;
  if (!request.unix_socket.empty()) co_return std::nullopt;
  auto proxy = proxy_of(request, proxies_, url);
  if (!proxy) co_return failure(Failure::Kind::invalid, url, proxy.error().message);
  route.proxy = std::move(*proxy);
  auto found = co_await names_.find(route.host(url), deadline);
  if (!found) co_return failure_of(found.error(), url, route);
  route.addresses = std::move(*found);
  co_return std::nullopt;
}

asio::awaitable<std::expected<Response, Failure>> Engine::exchange(const Request& request, const Url& url,
                                                                   TimePoint deadline, Route& route) {
  const auto cancellation = co_await asio::this_coro::cancellation_state;
  const auto asked = Clock::now();
  const std::string place = route.unix_socket.empty() ? url.origin() : route.unix_socket;
  ConnectionQueue::Turn turn = co_await queue_->turn(place, deadline);
  if (cancellation.cancelled() != asio::cancellation_type::none) co_return cancelled(url);
  const auto begun = Clock::now();
  if (!turn || begun >= deadline) co_return not_its_turn(request, url);
  const auto waited = std::chrono::duration_cast<std::chrono::milliseconds>(begun - asked);
  route.time_given -= waited;
  Transfer transfer(request, url, route, options_.user_agent);
  const auto time_left = std::chrono::ceil<std::chrono::milliseconds>(deadline - begun);
  transfer.set_time(time_left + request.timeout - head_time(request), time_left);
  const bool is_stream = request.on_body != nullptr;
  std::optional<SilenceAlarm> alarm;
  const auto on_silence = [&] {
    if (transfer.has_head()) transfer.was_silent();
    Multi::give_up(transfer.handle());
  };
  const auto on_progress = [&] {
    alarm->expect(request.idle_timeout);
    if (is_stream) turn.give_back();
    route.time_given = request.timeout - waited;
  };
  if (is_stream || request.head_timeout.count() > 0 || request.idle_timeout.count() > 0) {
    alarm.emplace(executor_, on_silence);
    if (request.head_timeout.count() > 0) alarm->expect(time_left);
    transfer.on_progress(on_progress);
  }
  const auto duration = is_stream ? Multi::Duration::stream : Multi::Duration::short_lived;
  auto result = transfer.finish(co_await multi().perform(transfer.handle(), duration));
  const bool had_little_time = !result && result.error().kind == Failure::Kind::timed_out && waited > route.time_given;
  if (had_little_time) result.error().kind = Failure::Kind::queued;
  co_return result;
}

Client::Client(asio::any_io_executor executor, ClientOptions options)
    : engine_(std::make_shared<Engine>(std::move(executor), std::move(options))) {}

Client::~Client() {
  engine_->stop_look_ups();
}

asio::awaitable<std::expected<Response, Failure>> Client::request(Request request) {
  const std::shared_ptr<Engine> engine = engine_;
  const auto cancellation = co_await asio::this_coro::cancellation_state;
  const auto url = Url::parse(request.url);
  if (!url) co_return invalid("cannot send a request: " + url.error().message);
  if (!has_valid_fields(request)) {
    co_return invalid(url->origin() + ": a header field holds a line break or another control character");
  }
  if (!has_valid_server_name(request.tls, *url)) {
    co_return invalid(url->origin() + ": the server name of its TLS options is no host name or IP address");
  }
  if (request.timeout.count() <= 0) {
    co_return std::unexpected(failure(Failure::Kind::timed_out, *url, "no time left to ask"));
  }
  const TimePoint deadline = Clock::now() + head_time(request);
  Route route;
  std::optional<Failure> no_route = co_await engine->find_route(request, *url, deadline, route);
  if (cancellation.cancelled() != asio::cancellation_type::none) co_return cancelled(*url);
  if (no_route) co_return std::unexpected(std::move(*no_route));
  co_return co_await engine->exchange(request, *url, deadline, route);
}

}  // namespace shim::http
