#include "http2/stream.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "http2/connection.h"
#include "http2/nghttp2_callbacks.h"

namespace shim::http2 {
namespace {

constexpr std::size_t kUsualMessage = 512;        // octets, so that a prefix and its message allocate once
constexpr std::size_t kWorthMoving = 4 * 1024;    // octets; a smaller message is copied behind its prefix
constexpr std::size_t kKeptCapacity = 64 * 1024;  // a queue that grew past this gives its memory back when empty

}  // namespace

void Stream::send_headers(const HeaderList& headers, bool is_end) {
  if (connection_.is_closed_) return;
  has_ended_ = is_end;
  submit_response_frames(connection_.session_.get(), headers, is_end, *this);
  connection_.queue_.schedule(connection_.shared_from_this());
}

void Stream::send_data(std::string_view octets) {
  assert(!has_ended_ && last_message_.empty());
  append(octets);
  resume();
}

void Stream::send_message(std::string_view prefix, std::string&& message) {
  send_data(prefix);
  if (message.size() < kWorthMoving) return append(message);
  last_message_ = std::move(message);
}

void Stream::send_end() {
  assert(!has_ended_);
  has_ended_ = true;
  resume();
}

void Stream::send_trailers(HeaderList&& trailers) {
  assert(!has_ended_);
  has_ended_ = true;
  trailers_ = std::move(trailers);
  resume();
}

void Stream::reset(std::uint32_t error_code) {
  if (connection_.is_closed_) return;
  nghttp2_submit_rst_stream(connection_.session_.get(), NGHTTP2_FLAG_NONE, id_, error_code);
  connection_.queue_.schedule(connection_.shared_from_this());
}

// Resets the stream for what arrived on it; the listener sees no more of it.
void Stream::refuse(std::uint32_t error_code) {
  refused_with_ = error_code;
  reset(error_code);
}

void Stream::reset_after_queued(std::uint32_t error_code) {
  reset_after_queued_ = error_code;
  if (queued() == 0 && has_ended_ == end_is_written_) on_written(end_is_written_);
}

// All that was queued is written; with `is_end`, our END_STREAM too.
void Stream::on_written(bool is_end) {
  end_is_written_ = is_end;
  if (!reset_after_queued_ || has_ended_ != is_end) return;
  const std::uint32_t error_code = *std::exchange(reset_after_queued_, std::nullopt);
  const bool is_pointless = error_code == NGHTTP2_NO_ERROR && is_end && peer_has_ended_;
  if (!is_pointless) reset(error_code);
}

void Stream::consume(std::size_t octets) {
  if (connection_.is_closed_) return;
  nghttp2_session_consume_stream(connection_.session_.get(), id_, octets);
  connection_.queue_.schedule(connection_.shared_from_this());
}

void Stream::resume() {
  if (connection_.is_closed_) return;
  if (std::exchange(is_deferred_, false)) nghttp2_session_resume_data(connection_.session_.get(), id_);
  connection_.queue_.schedule(connection_.shared_from_this());
}

void Stream::append(std::string_view octets) {
  if (queued_head_ != 0 && queued_.size() + octets.size() > queued_.capacity()) {
    queued_.erase(0, queued_head_);
    queued_head_ = 0;
  }
  if (queued_.empty()) queued_.reserve(std::max(octets.size(), kUsualMessage));
  queued_.append(octets);
}

// Moves the next `octets` of the queue to the end of `out`. REQUIRES: that many are queued.
void Stream::take_queued(std::size_t octets, std::string& out) {
  const std::size_t first = std::min(octets, queued_.size() - queued_head_);
  out.append(queued_, queued_head_, first);
  queued_head_ += first;
  if (queued_head_ == queued_.size()) {
    queued_head_ = 0;
    queued_.clear();
    if (queued_.capacity() > kKeptCapacity) queued_.shrink_to_fit();
  }
  if (first == octets) return;
  out.append(last_message_, last_message_head_, octets - first);
  last_message_head_ += octets - first;
  if (last_message_head_ != last_message_.size()) return;
  last_message_ = {};
  last_message_head_ = 0;
}

}  // namespace shim::http2
