#include "proxy/relay.h"

#include <nghttp2/nghttp2.h>

#include <memory>
#include <utility>

namespace shim::proxy {

using http2::StatusCode;

void answer_with_error(http2::Stream& client, StatusCode code, std::string message) {
  client.send_headers(http2::trailers_only({code, std::move(message)}), true);
  client.reset_after_queued(NGHTTP2_NO_ERROR);  // RFC 9113 §8.1: the rest of the request is not wanted
}

void Relay::start(http2::Stream& client, const http2::HeaderList& headers, bool is_end, RuntimeLink& link) {
  auto relay = std::unique_ptr<Relay>(new Relay(link.socket_path()));
  auto runtime = link.open(headers, is_end, relay->runtime_);
  if (!runtime) {
    client.set_listener(nullptr);
    return answer_with_error(client, StatusCode::unavailable, runtime.error().message);
  }
  relay->runtime_.stream = *runtime;
  relay->client_.stream = &client;
  client.set_listener(&relay->client_);
  relay.release();  // delete_when_closed() deletes it
}

void Relay::delete_when_closed() {
  if (client_.stream == nullptr && runtime_.stream == nullptr) delete this;
}

// ── Both directions ──────────────────────────────────────────────────────────────────────────────────────────────────

void Relay::Half::on_data(std::string_view octets) {
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

void Relay::ClientHalf::on_close(std::uint32_t error_code, bool connection_lost) {
  stream = nullptr;
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
  if (other_.stream != nullptr) other_.stream->send_headers(headers, is_end);
}

void Relay::RuntimeHalf::on_close(std::uint32_t error_code, bool connection_lost) {
  stream = nullptr;
  if (http2::Stream* client = other_.stream) {
    if (connection_lost && !client->has_ended()) {
      fail_client(lost_message(relay_.socket_path_));
    } else {
      client->reset_after_queued(connection_lost ? std::uint32_t{NGHTTP2_NO_ERROR} : error_code);
    }
  }
  relay_.delete_when_closed();
}

void Relay::RuntimeHalf::fail_client(const std::string& message) {
  if (!headers_were_sent_) return answer_with_error(*other_.stream, StatusCode::unavailable, message);
  other_.stream->send_trailers(http2::status_trailers({StatusCode::unavailable, message}));
  other_.stream->reset_after_queued(NGHTTP2_NO_ERROR);
}

}  // namespace shim::proxy
