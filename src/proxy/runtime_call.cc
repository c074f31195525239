#include "proxy/runtime_call.h"

#include <fmt/format.h>
#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <array>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>
#include <utility>

#include "base/units.h"
#include "http2/grpc.h"
#include "proxy/message_intake.h"

namespace shim::proxy {
namespace {

using http2::StatusCode;

// The coroutine that waits, without its type.
class Waiter {
 public:
  virtual ~Waiter() = default;
  virtual void resume(cri::Reply reply) = 0;
};

template <class Handler>
class WaiterFor : public Waiter {
 public:
  explicit WaiterFor(Handler handler) : handler_(std::move(handler)) {}
  void resume(cri::Reply reply) override {
    if (auto slot = boost::asio::get_associated_cancellation_slot(handler_); slot.is_connected()) slot.clear();
    std::move(handler_)(std::move(reply));
  }

 private:
  Handler handler_;
};

// Lives from the opening of its stream until the stream's on_close(), which deletes it; the waiter is resumed once,
// earlier or then.
class RuntimeCall final : public http2::StreamListener, public DeadlineQueue::Entry {
 public:
  RuntimeCall(std::string socket_path, std::chrono::nanoseconds time_limit, const CallLimits& limits)
      : socket_path_(std::move(socket_path)),
        time_limit_(time_limit),
        limits_(limits),
        intake_(limits.max_message, limits.budget) {}

  void start(http2::Stream& stream, std::string message, std::unique_ptr<Waiter> waiter) {
    stream_ = &stream;
    waiter_ = std::move(waiter);
    deadline_ = DeadlineQueue::Clock::now() + time_limit_;
    limits_.deadlines.add(*this, deadline_);
    stream.send_data(http2::message_prefix(message.size()));
    stream.send_data(message);
    stream.send_end();
  }

  void cancel() {
    cri::Reply reply = cri::Reply::error(StatusCode::cancelled, "the caller cancelled the call");
    reply.is_cancelled = true;
    abandon(std::move(reply));
  }

  void on_headers(http2::HeaderList&& headers, bool is_end) override {
    if (is_end) return finish(std::move(headers));
    reply_.headers = std::move(headers);
  }

  void on_data(std::string_view octets) override {
    if (stream_ == nullptr || !waiter_) return;
    switch (intake_.feed(*stream_, octets)) {
      case MessageIntake::State::too_large:
        return abandon(
            cri::Reply::error(StatusCode::resource_exhausted,
                              fmt::format("the runtime's answer of {} bytes is larger than maxMessageSize ({})",
                                          intake_.announced(), format_size(limits_.max_message))));
      case MessageIntake::State::second_message:
        return abandon(cri::Reply::error(StatusCode::internal, "the runtime sent more than one message"));
      case MessageIntake::State::complete:
      case MessageIntake::State::incomplete:
        break;
    }
  }

  void on_trailers(http2::HeaderList&& trailers) override { finish(std::move(trailers)); }
  void on_end() override { finish({}); }
  void on_taken(std::size_t) override {}

  void on_close(std::uint32_t error_code, bool connection_lost) override {
    const std::unique_ptr<RuntimeCall> self(this);
    stream_ = nullptr;
    intake_.stop();
    if (!waiter_) return;
    if (!connection_lost) return resume(reply_to_reset(error_code));
    cri::Reply reply = cri::Reply::error(StatusCode::unavailable, lost_message(socket_path_));
    reply.runtime_is_lost = true;
    resume(std::move(reply));
  }

  void on_deadline() override { abandon(too_late()); }

 private:
  cri::Reply too_late() const {
    return cri::Reply::error(StatusCode::deadline_exceeded,
                             fmt::format("the runtime did not answer within {}", format_duration(time_limit_)));
  }

  cri::Reply reply_to_reset(std::uint32_t error_code) const {
    const StatusCode code = http2::status_of_reset(error_code, DeadlineQueue::Clock::now() >= deadline_);
    if (code == StatusCode::deadline_exceeded) return too_late();
    return cri::Reply::error(code, fmt::format("the runtime reset the call: {}", nghttp2_http2_strerror(error_code)));
  }

  // Ends the call from our side.
  void abandon(cri::Reply reply) {
    if (stream_ != nullptr) stream_->reset(NGHTTP2_CANCEL);
    resume(std::move(reply));
  }

  void finish(http2::HeaderList&& trailers) {
    if (!waiter_) return;
    reply_.has_message = intake_.is_complete();
    reply_.is_compressed = intake_.is_compressed();
    reply_.message = intake_.take_message();
    reply_.hold = intake_.take_hold();
    reply_.status = http2::status_of(trailers);
    reply_.trailers = std::move(trailers);
    resume(std::move(reply_));
  }

  void resume(cri::Reply reply) {
    if (auto waiter = std::exchange(waiter_, nullptr)) waiter->resume(std::move(reply));
  }

  const std::string socket_path_;
  const std::chrono::nanoseconds time_limit_;
  DeadlineQueue::Clock::time_point deadline_;  // from start() on
  const CallLimits limits_;
  MessageIntake intake_;
  http2::Stream* stream_ = nullptr;
  std::unique_ptr<Waiter> waiter_;
  cri::Reply reply_;
};

}  // namespace

boost::asio::awaitable<cri::Reply> call_runtime(RuntimeLink& link, http2::HeaderList headers, std::string message,
                                                std::chrono::nanoseconds time_limit, CallLimits limits) {
  if (time_limit <= std::chrono::nanoseconds(0)) {
    co_return cri::Reply::error(StatusCode::deadline_exceeded, "the caller's deadline has passed");
  }
  headers.add("grpc-timeout", http2::format_timeout(time_limit));
  auto call = std::make_unique<RuntimeCall>(link.socket_path(), time_limit, limits);
  const auto stream = link.open(headers, false, *call);
  if (!stream) {
    cri::Reply reply = cri::Reply::error(StatusCode::unavailable, stream.error().message);
    reply.runtime_is_lost = true;
    co_return reply;
  }
  RuntimeCall& started = *call.release();  // its stream's on_close() deletes it
  const auto begin = [&](auto handler) {
    if (auto slot = boost::asio::get_associated_cancellation_slot(handler); slot.is_connected()) {
      slot.assign([&started](boost::asio::cancellation_type) { started.cancel(); });
    }
    auto waiter = std::make_unique<WaiterFor<decltype(handler)>>(std::move(handler));
    started.start(**stream, std::move(message), std::move(waiter));
  };
  co_return co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>, void(cri::Reply)>(
      begin, boost::asio::use_awaitable);
}

http2::HeaderList forwarded_headers(const http2::HeaderList& caller, std::string_view path) {
  constexpr std::array<std::string_view, 4> kLeftOut = {"content-length", "grpc-encoding", "grpc-accept-encoding",
                                                        "grpc-timeout"};
  http2::HeaderList headers;
  for (std::size_t i = 0; i < caller.size(); ++i) {
    const http2::HeaderList::Field field = caller[i];
    if (std::ranges::find(kLeftOut, field.name) != kLeftOut.end()) continue;
    headers.add(field.name, field.name == ":path" ? path : field.value, field.never_index);
  }
  return headers;
}

http2::HeaderList own_request_headers(std::string_view path) {
  http2::HeaderList headers;
  headers.add(":method", "POST");
  headers.add(":scheme", "http");
  headers.add(":path", path);
  headers.add(":authority", "localhost");
  headers.add("content-type", "application/grpc");
  headers.add("user-agent", "image-cri-shim");
  headers.add("te", "trailers");
  return headers;
}

}  // namespace shim::proxy
