#include "proxy/relay.h"

#include <nghttp2/nghttp2.h>

#include <charconv>
#include <memory>
#include <utility>

namespace shim::proxy {

using http2::StatusCode;

namespace {

constexpr std::size_t kRewriteAhead = 64 * 1024;  // octets that may wait for a client while more are rewritten

// As http2::status_of(), without the message: this is the call path.
StatusCode code_of(const http2::HeaderList& trailers) {
  const auto text = trailers.find("grpc-status");
  int number = -1;
  if (text) std::from_chars(text->data(), text->data() + text->size(), number);
  return number < 0 ? StatusCode::unknown : static_cast<StatusCode>(number);
}

}  // namespace

void answer_with_error(http2::Stream& client, StatusCode code, std::string message) {
  client.send_headers(http2::trailers_only({code, std::move(message)}), true);
  client.reset_after_queued(NGHTTP2_NO_ERROR);  // RFC 9113 §8.1: the rest of the request is not wanted
}

void Relay::start(http2::Stream& client, const http2::HeaderList& headers, bool is_end, RuntimeLink& link,
                  Accounts accounts) {
  start(client, headers, is_end, link, std::move(accounts), std::nullopt);
}

void Relay::start_rewriting(http2::Stream& client, const http2::HeaderList& headers, RuntimeLink& link,
                            Accounts accounts, MessageRewriter rewriter) {
  start(client, headers, false, link, std::move(accounts), std::move(rewriter));
}

void Relay::start(http2::Stream& client, const http2::HeaderList& headers, bool is_end, RuntimeLink& link,
                  Accounts accounts, std::optional<MessageRewriter> rewriter) {
  auto relay = std::unique_ptr<Relay>(new Relay(link.socket_path(), std::move(accounts), std::move(rewriter)));
  auto runtime = link.open(headers, is_end, relay->runtime_);
  if (!runtime) {
    relay->record_.end(StatusCode::unavailable);
    client.set_listener(nullptr);
    return answer_with_error(client, StatusCode::unavailable, runtime.error().message);
  }
  relay->runtime_.stream = *runtime;
  relay->client_.stream = &client;
  client.set_listener(&relay->client_);
  static_cast<void>(relay.release());  // delete_when_closed() deletes it
}

void Relay::delete_when_closed() {
  if (client_.stream == nullptr && runtime_.stream == nullptr) delete this;
}

// ── Both directions ──────────────────────────────────────────────────────────────────────────────────────────────────

void Relay::Half::on_data(std::string_view octets) {
  received_ += octets.size();
  if (other_.stream != nullptr && !other_.stream->has_ended()) {
    other_.stream->send_data(octets);
  } else if (stream != nullptr) {
    stream->consume(octets.size());  // nobody wants them any more
  }
}

void Relay::Half::on_trailers(http2::HeaderList&& trailers) {
  if (other_.stream != nullptr && !other_.stream->has_ended()) other_.stream->send_trailers(std::move(trailers));
}

void Relay::Half::on_end() {
  if (other_.stream != nullptr && !other_.stream->has_ended()) other_.stream->send_end();
}

void Relay::Half::on_taken(std::size_t octets) {
  if (other_.stream != nullptr) other_.stream->consume(octets);
}

// ── The client's side ────────────────────────────────────────────────────────────────────────────────────────────────

void Relay::ClientHalf::on_taken(std::size_t octets) {
  if (!relay_.rewriter_) return Half::on_taken(octets);
  relay_.runtime_.give_back_rewritten();
}

void Relay::ClientHalf::on_close(std::uint32_t error_code, bool connection_lost) {
  stream = nullptr;
  relay_.record_.end(StatusCode::cancelled);
  if (http2::Stream* runtime = other_.stream) {
    if (connection_lost || error_code != NGHTTP2_NO_ERROR) {
      runtime->reset(connection_lost ? std::uint32_t{NGHTTP2_CANCEL} : error_code);
    } else if (runtime->queued() != 0) {
      runtime->reset(NGHTTP2_CANCEL);  // the call is over, and the runtime never took the rest of the request
    }
  }
  relay_.delete_when_closed();
}

// ── The runtime's side ───────────────────────────────────────────────────────────────────────────────────────────────

void Relay::RuntimeHalf::on_headers(http2::HeaderList&& headers, bool is_end) {
  headers_were_sent_ = true;
  if (is_end) relay_.record_.end(code_of(headers));
  if (other_.stream != nullptr) other_.stream->send_headers(headers, is_end);
}

void Relay::RuntimeHalf::on_data(std::string_view octets) {
  const bool is_wanted = other_.stream != nullptr && !other_.stream->has_ended();
  relay_.rewriter_&& is_wanted ? rewrite(octets) : Half::on_data(octets);
}

void Relay::RuntimeHalf::on_trailers(http2::HeaderList&& trailers) {
  relay_.record_.end(code_of(trailers));
  Half::on_trailers(std::move(trailers));
}

void Relay::RuntimeHalf::on_end() {
  relay_.record_.end(StatusCode::unknown);  // a call has no end without a status
  Half::on_end();
}

void Relay::RuntimeHalf::rewrite(std::string_view octets) {
  received_ += octets.size();
  withheld_ += octets.size();
  const auto rewritten = relay_.rewriter_->feed(octets);
  if (!rewritten) {
    stream->reset(NGHTTP2_CANCEL);
    return fail_client(StatusCode::resource_exhausted, "a message of the runtime is larger than maxMessageSize");
  }
  if (!rewritten->empty()) other_.stream->send_data(*rewritten);
  give_back_rewritten();
}

void Relay::RuntimeHalf::give_back_rewritten() {
  const bool client_lags = other_.stream != nullptr && other_.stream->queued() > kRewriteAhead;
  if (stream != nullptr && !client_lags) stream->consume(std::exchange(withheld_, 0));
}

void Relay::RuntimeHalf::on_close(std::uint32_t error_code, bool connection_lost) {
  stream = nullptr;
  // Whether the caller's deadline has passed is the caller's to know: what is relayed is the reset.
  relay_.record_.end(connection_lost ? StatusCode::unavailable : http2::status_of_reset(error_code, false));
  if (http2::Stream* client = other_.stream) {
    if (connection_lost && !client->has_ended()) {
      fail_client(StatusCode::unavailable, lost_message(relay_.socket_path_));
    } else {
      client->reset_after_queued(connection_lost ? std::uint32_t{NGHTTP2_NO_ERROR} : error_code);
    }
  }
  relay_.delete_when_closed();
}

void Relay::RuntimeHalf::fail_client(StatusCode code, const std::string& message) {
  relay_.record_.end(code);
  if (!headers_were_sent_) return answer_with_error(*other_.stream, code, message);
  other_.stream->send_trailers(http2::status_trailers({code, message}));
  other_.stream->reset_after_queued(NGHTTP2_NO_ERROR);
}

}  // namespace shim::proxy
