#include "proxy/tunnel.h"

#include <algorithm>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <utility>

#include "cri/version.h"
#include "proxy/held_request.h"
#include "proxy/image_call.h"
#include "proxy/relay.h"
#include "proxy/runtime_call.h"

namespace shim::proxy {
namespace {

using namespace std::chrono_literals;
using http2::StatusCode;

Dialect dialect_of(const cri::Caller& caller) {
  const auto method = parse_method(caller.headers.find(":path").value_or(""));
  return method ? method->dialect : Dialect::v1;
}

constexpr auto kAskLimit = 2min;  // as long as the kubelet gives its own calls; callers have less patience

// The runtime's own words, not what the shim makes of a reset or of silence.
bool is_grpc_answer(const cri::Reply& reply) {
  const bool came_from_runtime = !reply.headers.empty() || reply.trailers.find(":status").has_value();
  return came_from_runtime && reply.trailers.find("grpc-status").has_value();
}

}  // namespace

Tunnel::Tunnel(TunnelContext& context, Observer& observer)
    : context_(context),
      observer_(observer),
      client_(http2::Connection::create(http2::Connection::Role::server, context.limits, context.flush_queue, *this)),
      link_(context.io, context.flush_queue, {context.runtime_socket, context.limits},
            [&dialects = context.dialects](RuntimeLink::Event event) { dialects.on_link(event); }) {}

Tunnel::~Tunnel() {
  client_->detach();
  client_->close("the shim stops");
}

void Tunnel::start(http2::UnixSocket socket) {
  client_->start(std::move(socket));
}

void Tunnel::on_closed(http2::Connection&, std::string_view reason) {
  link_.close();
  observer_.on_tunnel_closed(*this, reason);
}

// ── Where a call goes ────────────────────────────────────────────────────────────────────────────────────────────────

void Tunnel::on_request(http2::Stream& stream, http2::HeaderList&& headers, bool is_end) {
  if (stream.headers_too_large()) {
    CallRecord record(context_.statistics, "");
    record.end(StatusCode::resource_exhausted);
    return answer_with_error(stream, StatusCode::resource_exhausted, "the request's header list is over 64 KiB");
  }
  const auto method = parse_method(headers.find(":path").value_or(""));
  CallRecord record(context_.statistics, method ? std::string_view(method->name) : "");
  if (!method) return Relay::start(stream, headers, is_end, link_, {std::move(record), context_.statistics});
  if (const auto target = context_.dialects.known(method->service, method->dialect)) {
    return dispatch(stream, std::move(headers), is_end, *method, *target, std::move(record));
  }
  auto held = std::make_shared<HeldRequest>(context_.io, stream, std::move(headers), is_end);
  boost::asio::co_spawn(context_.io, dispatch_when_known(shared_from_this(), held, *method, std::move(record)),
                        boost::asio::bind_cancellation_slot(held->cancelled(), until_its_end(held)));
}

boost::asio::awaitable<void> Tunnel::dispatch_when_known(std::shared_ptr<Tunnel> self,
                                                         std::shared_ptr<HeldRequest> held, Method method,
                                                         CallRecord record) {
  const Dialects::Ask asker = self->asker();
  const Dialect target = co_await self->context_.dialects.find(method.service, method.dialect, asker);
  http2::Stream* stream = held->stream();
  if (stream == nullptr) co_return;
  self->dispatch(*stream, std::move(held->headers()), held->ended_with_headers(), method, target, std::move(record));
  held->replay_to(*stream);
}

Dialects::Ask Tunnel::asker() {
  return [self = shared_from_this()](Dialect dialect, cri::Service service) { return ask(self, dialect, service); };
}

boost::asio::awaitable<std::optional<http2::Status>> Tunnel::ask(std::shared_ptr<Tunnel> self, Dialect dialect,
                                                                 cri::Service service) {
  const std::string_view question = service == cri::Service::image ? "ImageFsInfo" : "Version";
  http2::HeaderList headers = own_request_headers(path_of(dialect, service, question));
  RuntimeLink& link = self->link_;
  const cri::Reply reply = co_await call_runtime(link, std::move(headers), std::string(), kAskLimit, self->limits());
  if (link.is_closed()) co_return std::nullopt;
  http2::Status status = reply.status;
  if (!is_grpc_answer(reply)) status.code = StatusCode::unavailable;
  co_return status;
}

void Tunnel::dispatch(http2::Stream& stream, http2::HeaderList headers, bool is_end, const Method& method,
                      Dialect target, CallRecord record) {
  const bool is_translated = target != method.dialect;
  if (cri::ImageCalls::handles(method.service, method.name)) {
    auto calls = context_.image_calls.read();
    return handle(stream, std::move(headers), is_end, std::move(record),
                  [self = shared_from_this(), calls, method](const cri::Caller& caller, std::string message) {
                    return calls->handle(method.service, method.name, caller, std::move(message), *self);
                  });
  }
  if (method.service == cri::Service::image && method.name == "StreamImages") {
    auto held = std::make_shared<HeldRequest>(context_.io, stream, std::move(headers), is_end);
    boost::asio::co_spawn(
        context_.io, stream_images(shared_from_this(), held, method, context_.image_calls.read(), std::move(record)),
        boost::asio::bind_cancellation_slot(held->cancelled(), until_its_end(held)));
    return;
  }
  if (is_translated && method.service == cri::Service::runtime && method.name == "Version") {
    return handle(stream, std::move(headers), is_end, std::move(record),
                  [self = shared_from_this(), spoken = method.dialect](const cri::Caller& caller, std::string message) {
                    return cri::call_version(caller, std::move(message), *self, name_of(spoken));
                  });
  }
  if (is_translated) headers.set(":path", path_of(target, method.service, method.name));
  Relay::start(stream, headers, is_end, link_, {std::move(record), context_.statistics});
}

void Tunnel::handle(http2::Stream& stream, http2::HeaderList headers, bool is_end, CallRecord record,
                    ImageCall::Handler handler) {
  const ImageCall::Options options{context_.io.get_executor(), context_.max_message, context_.message_budget};
  const auto call = ImageCall::start(stream, std::move(headers), options, std::move(record), std::move(handler));
  if (is_end) call->on_end();
}

// The one image call that streams: its request is small and translated as a whole, its messages are rewritten one by
// one as they pass.
boost::asio::awaitable<void> Tunnel::stream_images(std::shared_ptr<Tunnel> self, std::shared_ptr<HeldRequest> held,
                                                   Method method, std::shared_ptr<const cri::ImageCalls> calls,
                                                   CallRecord record) {
  co_await held->wait_for_end();
  if (held->stream() == nullptr) co_return;
  http2::MessageReader reader(self->context_.max_message);
  std::string_view body = held->body();
  const bool is_whole = reader.feed(body) == http2::MessageReader::State::complete && body.empty();
  std::string message = reader.take();
  if (is_whole && !reader.is_compressed()) {
    const cri::Caller caller{held->headers(), {}};
    message = co_await calls->translate_list_filter(caller, std::move(message), *self);
    if (held->stream() == nullptr) co_return;
    held->replace_body(http2::message_prefix(message.size()) + message);
  }
  // Only now: the runtime may have been replaced meanwhile.
  const Dialects::Ask asker = self->asker();
  const Dialect target = co_await self->context_.dialects.find(method.service, method.dialect, asker);
  if (held->stream() == nullptr) co_return;
  held->headers().set(":path", path_of(target, method.service, method.name));
  const auto restore = [calls](const std::string& response) { return calls->restore_list(response); };
  Relay::start_rewriting(*held->stream(), held->headers(), self->link_, {std::move(record), self->context_.statistics},
                         MessageRewriter(self->context_.max_message, restore));
  held->replay_to(*held->stream());
}

// ── Calls of the shim's own ──────────────────────────────────────────────────────────────────────────────────────────

CallLimits Tunnel::limits() {
  return {context_.max_message, context_.message_budget, context_.deadlines};
}

// No coroutine of its own where the runtime's dialect is known, which is nearly always: this is the call path.
boost::asio::awaitable<cri::Reply> Tunnel::call(const cri::Caller& caller, cri::Service service,
                                                std::string_view method, std::string message,
                                                std::chrono::nanoseconds time_limit) {
  const auto target = context_.dialects.known(service, dialect_of(caller));
  if (!target) return call_when_known(caller, service, std::string(method), std::move(message), time_limit);
  if (caller.deadline) {
    time_limit = std::min<std::chrono::nanoseconds>(time_limit, *caller.deadline - std::chrono::steady_clock::now());
  }
  return call_runtime(link_, forwarded_headers(caller.headers, path_of(*target, service, method)), std::move(message),
                      time_limit, limits());
}

boost::asio::awaitable<cri::Reply> Tunnel::call_when_known(const cri::Caller& caller, cri::Service service,
                                                           std::string method, std::string message,
                                                           std::chrono::nanoseconds time_limit) {
  const Dialect spoken = dialect_of(caller);
  const Dialects::Ask asking = asker();
  const Dialect target = co_await context_.dialects.find(service, spoken, asking);
  if (caller.deadline) {
    time_limit = std::min<std::chrono::nanoseconds>(time_limit, *caller.deadline - std::chrono::steady_clock::now());
  }
  http2::HeaderList headers = forwarded_headers(caller.headers, path_of(target, service, method));
  co_return co_await call_runtime(link_, std::move(headers), std::move(message), time_limit, limits());
}

}  // namespace shim::proxy
