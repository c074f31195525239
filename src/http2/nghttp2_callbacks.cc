#include "http2/nghttp2_callbacks.h"

#include <boost/container/small_vector.hpp>
#include <string>
#include <utility>

#include "http2/connection.h"
#include "http2/message_rules.h"

namespace shim::http2 {

constexpr std::size_t kFrameHeader = 9;  // octets, RFC 9113 §4.1

struct Connection::Callbacks {
  static Connection& of(void* user_data) { return *static_cast<Connection*>(user_data); }
  static Stream* find(nghttp2_session* session, std::int32_t id) {
    return static_cast<Stream*>(nghttp2_session_get_stream_user_data(session, id));
  }

  static int on_begin_headers(nghttp2_session* session, const nghttp2_frame* frame, void* user_data) {
    Connection& connection = of(user_data);
    const std::int32_t id = frame->hd.stream_id;
    if (connection.role_ == Role::server && frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
      nghttp2_session_set_stream_user_data(session, id, &connection.add_stream(id));
    } else if (Stream* stream = find(session, id)) {
      stream->block_.clear();
    }
    return 0;
  }

  static int on_header(nghttp2_session* session, const nghttp2_frame* frame, const std::uint8_t* name,
                       std::size_t name_length, const std::uint8_t* value, std::size_t value_length, std::uint8_t flags,
                       void* user_data) {
    Stream* stream = find(session, frame->hd.stream_id);
    if (stream == nullptr || stream->headers_too_large_) return 0;
    stream->block_.add({reinterpret_cast<const char*>(name), name_length},
                       {reinterpret_cast<const char*>(value), value_length}, (flags & NGHTTP2_NV_FLAG_NO_INDEX) != 0);
    stream->headers_too_large_ = stream->block_.octets() > of(user_data).limits_.max_header_list;
    return 0;
  }

  static int on_data_chunk(nghttp2_session* session, std::uint8_t, std::int32_t id, const std::uint8_t* data,
                           std::size_t size, void*) {
    nghttp2_session_consume_connection(session, size);
    Stream* stream = find(session, id);
    if (stream == nullptr || stream->refused_with_) return 0;
    stream->received_ += size;
    if (stream->listener_ == nullptr) {
      nghttp2_session_consume_stream(session, id, size);
    } else {
      stream->listener_->on_data({reinterpret_cast<const char*>(data), size});
    }
    return 0;
  }

  static int on_frame_recv(nghttp2_session* session, const nghttp2_frame* frame, void* user_data) {
    Connection& connection = of(user_data);
    const bool is_end = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    switch (frame->hd.type) {
      case NGHTTP2_HEADERS:
        if (Stream* stream = find(session, frame->hd.stream_id)) connection.on_block_complete(*stream, is_end);
        break;
      case NGHTTP2_DATA:
        if (Stream* stream = find(session, frame->hd.stream_id); stream != nullptr && is_end) {
          connection.on_end_of_stream(*stream);
        }
        break;
      case NGHTTP2_SETTINGS:
        connection.preface_timer_.reset();
        break;
      case NGHTTP2_GOAWAY:
        if (connection.listener_ != nullptr) connection.listener_->on_goaway(connection);
        break;
      default:
        break;
    }
    return 0;
  }

  static int on_frame_send(nghttp2_session* session, const nghttp2_frame* frame, void*) {
    const bool can_end = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;
    if (!can_end || (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) return 0;
    if (Stream* stream = find(session, frame->hd.stream_id)) stream->on_written(true);
    return 0;
  }

  // A request that never left (the peer's GOAWAY came first) has no stream in the session yet, so that
  // on_stream_close() does not tell of it.
  static int on_frame_not_send(nghttp2_session* session, const nghttp2_frame* frame, int, void* user_data) {
    Connection& connection = of(user_data);
    if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
    if (find(session, frame->hd.stream_id) != nullptr) return 0;
    for (Stream& stream : connection.streams_) {
      if (stream.id_ != frame->hd.stream_id) continue;
      connection.remove_stream(stream, NGHTTP2_REFUSED_STREAM, false);
      break;
    }
    return 0;
  }

  static int on_stream_close(nghttp2_session* session, std::int32_t id, std::uint32_t error_code, void* user_data) {
    Stream* stream = find(session, id);
    if (stream == nullptr) return 0;
    nghttp2_session_set_stream_user_data(session, id, nullptr);
    // Where both sides had ended, nghttp2 closes the stream before our reset leaves.
    const bool is_lost_reset = error_code == NGHTTP2_NO_ERROR && stream->refused_with_;
    of(user_data).remove_stream(*stream, is_lost_reset ? *stream->refused_with_ : error_code, false);
    return 0;
  }

  // What of the stream's queue goes into the next DATA frame; send_data() below writes it.
  static ssize_t read_data(nghttp2_session* session, std::int32_t, std::uint8_t*, std::size_t size,
                           std::uint32_t* flags, nghttp2_data_source* source, void*) {
    auto& stream = *static_cast<Stream*>(source->ptr);
    const std::size_t octets = std::min(size, stream.queued());
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    if (stream.has_ended_ && octets == stream.queued()) {
      *flags |= NGHTTP2_DATA_FLAG_EOF;
      if (stream.trailers_) {
        *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
        if (const int error = submit_trailer_frames(session, *stream.trailers_, stream); error != 0) return error;
        stream.trailers_.reset();
      }
    } else if (octets == 0) {
      stream.is_deferred_ = true;
      return NGHTTP2_ERR_DEFERRED;
    }
    return static_cast<ssize_t>(octets);
  }

  static int send_data(nghttp2_session*, nghttp2_frame*, const std::uint8_t* frame_header, std::size_t size,
                       nghttp2_data_source* source, void*) {
    auto& stream = *static_cast<Stream*>(source->ptr);
    std::string& out = Connection::frames_out();
    out.append(reinterpret_cast<const char*>(frame_header), kFrameHeader);
    stream.take_queued(size, out);
    if (stream.listener_ != nullptr && size != 0) stream.listener_->on_taken(size);
    if (stream.queued() == 0 && !stream.has_ended_) stream.on_written(false);
    return 0;
  }

  static nghttp2_session_callbacks* create() {
    nghttp2_session_callbacks* callbacks = nullptr;
    if (nghttp2_session_callbacks_new(&callbacks) != 0) throw std::bad_alloc();
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data_chunk);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame_recv);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_frame_send);
    nghttp2_session_callbacks_set_on_frame_not_send_callback(callbacks, on_frame_not_send);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
    nghttp2_session_callbacks_set_send_data_callback(callbacks, send_data);
    return callbacks;
  }

  static nghttp2_data_provider provider(Stream& stream) {
    nghttp2_data_provider provider{};
    provider.source.ptr = &stream;
    provider.read_callback = read_data;
    return provider;
  }
};

namespace {

using NameValues = boost::container::small_vector<nghttp2_nv, 16>;

// Borrows from `headers`; nghttp2 copies the fields on submission.
NameValues name_values(const HeaderList& headers) {
  NameValues result;
  result.reserve(headers.size());
  for (std::size_t i = 0; i < headers.size(); ++i) {
    const HeaderList::Field field = headers[i];
    auto* name = reinterpret_cast<std::uint8_t*>(const_cast<char*>(field.name.data()));
    auto* value = reinterpret_cast<std::uint8_t*>(const_cast<char*>(field.value.data()));
    const auto flags = field.never_index ? NGHTTP2_NV_FLAG_NO_INDEX : NGHTTP2_NV_FLAG_NONE;
    result.push_back({name, value, field.name.size(), field.value.size(), static_cast<std::uint8_t>(flags)});
  }
  return result;
}

}  // namespace

const nghttp2_session_callbacks* connection_callbacks() {
  static const nghttp2_session_callbacks* const callbacks = Connection::Callbacks::create();
  return callbacks;
}

std::int32_t submit_request_frames(nghttp2_session* session, const HeaderList& headers, bool is_end, Stream& stream) {
  const NameValues fields = name_values(headers);
  const nghttp2_data_provider provider = Connection::Callbacks::provider(stream);
  return nghttp2_submit_request(session, nullptr, fields.data(), fields.size(), is_end ? nullptr : &provider, &stream);
}

int submit_response_frames(nghttp2_session* session, const HeaderList& headers, bool is_end, Stream& stream) {
  const NameValues fields = name_values(headers);
  const nghttp2_data_provider provider = Connection::Callbacks::provider(stream);
  return nghttp2_submit_response(session, stream.id(), fields.data(), fields.size(), is_end ? nullptr : &provider);
}

int submit_trailer_frames(nghttp2_session* session, const HeaderList& trailers, const Stream& stream) {
  const NameValues fields = name_values(trailers);
  return nghttp2_submit_trailer(session, stream.id(), fields.data(), fields.size());
}

// ── What a complete header block or body means (RFC 9113 §8.1) ──────────────────────────────────────────────────────

void Connection::on_block_complete(Stream& stream, bool is_end) {
  HeaderList block = std::exchange(stream.block_, {});
  stream.peer_has_ended_ = stream.peer_has_ended_ || is_end;
  if (stream.refused_with_) return;
  const bool is_interim = role_ == Role::client && !stream.has_headers_ && is_informational(block);
  if (is_interim && !is_end) return;

  const bool is_trailers = stream.has_headers_;
  const bool is_request = role_ == Role::server && !is_trailers;
  if (stream.headers_too_large_ && !is_request) {
    return stream.refuse(NGHTTP2_ENHANCE_YOUR_CALM);  // gRPC reads it as RESOURCE_EXHAUSTED
  }
  const auto problem = stream.headers_too_large_ ? std::nullopt
                       : is_trailers             ? malformed_trailers(block)
                       : is_request              ? malformed_request(block)
                                                 : malformed_response(block);
  const bool length_differs = is_end && stream.content_length_ && *stream.content_length_ != stream.received_;
  if (problem || is_interim || (is_trailers && (!is_end || length_differs))) {
    return stream.refuse(NGHTTP2_PROTOCOL_ERROR);
  }
  if (is_trailers) {
    if (stream.listener_ != nullptr) stream.listener_->on_trailers(std::move(block));
    return;
  }
  stream.has_headers_ = true;
  stream.content_length_ = content_length(block);
  const bool body_is_missing = role_ == Role::server && is_end && stream.content_length_.value_or(0) != 0;
  if (body_is_missing) {
    return stream.refuse(NGHTTP2_PROTOCOL_ERROR);
  }
  if (role_ == Role::client) {
    if (stream.listener_ != nullptr) stream.listener_->on_headers(std::move(block), is_end);
  } else if (listener_ != nullptr) {
    listener_->on_request(stream, std::move(block), is_end);
  }
}

void Connection::on_end_of_stream(Stream& stream) {
  stream.peer_has_ended_ = true;
  if (stream.refused_with_) return;
  if (stream.content_length_ && *stream.content_length_ != stream.received_) {
    return stream.refuse(NGHTTP2_PROTOCOL_ERROR);
  }
  if (stream.listener_ != nullptr) stream.listener_->on_end();
}

}  // namespace shim::http2
