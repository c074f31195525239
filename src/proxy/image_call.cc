#include "proxy/image_call.h"

#include <fmt/format.h>
#include <nghttp2/nghttp2.h>
#include <spdlog/spdlog.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <exception>
#include <utility>

#include "base/units.h"
#include "proxy/relay.h"

namespace shim::proxy {

using http2::StatusCode;

std::shared_ptr<ImageCall> ImageCall::start(http2::Stream& client, http2::HeaderList headers, Options options,
                                            CallRecord record, Handler handler) {
  std::shared_ptr<ImageCall> call(
      new ImageCall(client, std::move(headers), options, std::move(record), std::move(handler)));
  call->self_ = call;
  client.set_listener(call.get());
  return call;
}

ImageCall::ImageCall(http2::Stream& client, http2::HeaderList headers, Options options, CallRecord record,
                     Handler handler)
    : stream_(&client),
      options_(options),
      record_(std::move(record)),
      handler_(std::move(handler)),
      intake_(options.max_message, options.budget) {
  caller_.headers = std::move(headers);
  if (const auto text = caller_.headers.find("grpc-timeout")) {
    const auto timeout = http2::parse_timeout(*text);
    if (timeout && *timeout < std::chrono::hours(24 * 365)) {
      caller_.deadline = std::chrono::steady_clock::now() + *timeout;
    }
  }
}

void ImageCall::on_data(std::string_view octets) {
  if (stream_ == nullptr || is_refused_) return;
  switch (intake_.feed(*stream_, octets)) {
    case MessageIntake::State::too_large:
      return refuse(StatusCode::resource_exhausted,
                    fmt::format("the request of {} bytes is larger than maxMessageSize ({})", intake_.announced(),
                                format_size(options_.max_message)));
    case MessageIntake::State::second_message:
      return refuse(StatusCode::internal, "more than one request message in a unary call");
    case MessageIntake::State::complete:
    case MessageIntake::State::incomplete:
      break;
  }
}

void ImageCall::on_end() {
  if (is_refused_ || stream_ == nullptr) return;
  if (!intake_.is_complete()) return refuse(StatusCode::internal, "the call ended before its request was complete");
  if (intake_.is_compressed()) {
    return refuse(StatusCode::unimplemented, "compressed image requests are not supported: send identity");
  }
  // The request's place in the budget goes back before its reply asks for one: calls never wait for each other.
  intake_.take_hold();
  // A coroutine that never waited ends in a later turn of the loop and looks at the slot then, which must still be
  // there although the stream may have closed meanwhile.
  const auto self = shared_from_this();
  auto until_its_end = [self](const std::exception_ptr&) {};
  boost::asio::co_spawn(options_.executor, run(self, intake_.take_message()),
                        boost::asio::bind_cancellation_slot(cancel_.slot(), std::move(until_its_end)));
}

boost::asio::awaitable<void> ImageCall::run(std::shared_ptr<ImageCall> self, std::string message) {
  try {
    self->send(co_await self->handler_(self->caller_, std::move(message)));
  } catch (const boost::system::system_error& error) {
    // The caller's cancellation unwinds the handler this way; the stream is gone then, and send() does nothing.
    self->send(cri::Reply::error(StatusCode::cancelled, error.code().message()));
  } catch (const std::exception& error) {
    spdlog::error("an image call failed in the shim itself: {}", error.what());
    self->send(cri::Reply::error(StatusCode::internal, std::string("image-cri-shim: ") + error.what()));
  }
}

void ImageCall::on_close(std::uint32_t, bool) {
  stream_ = nullptr;
  record_.end(StatusCode::cancelled);
  intake_.stop();
  const auto self = std::exchange(self_, nullptr);
  cancel_.emit(boost::asio::cancellation_type::terminal);
}

void ImageCall::refuse(StatusCode code, std::string message) {
  is_refused_ = true;
  record_.end(code);
  http2::HeaderList headers = http2::trailers_only({code, std::move(message)});
  if (code == StatusCode::unimplemented) headers.add("grpc-accept-encoding", "identity");
  stream_->send_headers(headers, true);
  stream_->reset_after_queued(NGHTTP2_NO_ERROR);
}

void ImageCall::send(cri::Reply reply) {
  if (stream_ == nullptr) return;
  record_.end(reply.status.code);
  if (!reply.has_message && reply.headers.empty()) {
    http2::HeaderList headers = std::move(reply.trailers);
    if (!headers.find(":status")) headers = http2::trailers_only_with(headers);
    stream_->send_headers(headers, true);
  } else {
    stream_->send_headers(reply.headers.empty() ? http2::response_headers() : reply.headers, false);
    if (reply.has_message) {
      const std::string prefix = http2::message_prefix(reply.message.size(), reply.is_compressed);
      stream_->send_message(prefix, std::move(reply.message));
    }
    reply_hold_ = std::move(reply.hold);
    stream_->send_trailers(std::move(reply.trailers));
  }
  stream_->reset_after_queued(NGHTTP2_NO_ERROR);
}

}  // namespace shim::proxy
