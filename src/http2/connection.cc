#include "http2/connection.h"

#include <nghttp2/nghttp2.h>
#include <sys/socket.h>

#include <array>
#include <boost/asio/error.hpp>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <utility>

#include "http2/nghttp2_callbacks.h"

namespace shim::http2 {
namespace {

using boost::system::error_code;

constexpr std::size_t kReadSize = 256 * 1024;
constexpr int kReadsPerEvent = 4;                  // then other connections get their turn
constexpr std::size_t kWriteSize = 128 * 1024;     // produced before the socket is tried
constexpr std::size_t kMaxSendBlock = 256 * 1024;  // encoded; a 64 KiB list can grow when its names are literals

// One buffer for all connections of the thread: a read is parsed, and a write sent, before the next begins.
thread_local std::array<char, kReadSize> read_buffer;
thread_local std::string write_buffer;

struct OptionDeleter {
  void operator()(nghttp2_option* option) const { nghttp2_option_del(option); }
};

std::unique_ptr<nghttp2_option, OptionDeleter> make_options(const Limits& limits) {
  nghttp2_option* option = nullptr;
  if (nghttp2_option_new(&option) != 0) throw std::bad_alloc();
  nghttp2_option_set_no_http_messaging(option, 1);
  nghttp2_option_set_no_auto_window_update(option, 1);
  nghttp2_option_set_no_closed_streams(option, 1);
  nghttp2_option_set_max_send_header_block_length(option, kMaxSendBlock);
  nghttp2_option_set_stream_reset_rate_limit(option, limits.reset_burst, limits.resets_per_second);
  return std::unique_ptr<nghttp2_option, OptionDeleter>(option);
}

}  // namespace

void Connection::SessionDeleter::operator()(nghttp2_session* session) const {
  nghttp2_session_del(session);
}

std::shared_ptr<Connection> Connection::create(Role role, const Limits& limits, FlushQueue& queue,
                                               ConnectionListener& listener) {
  return std::shared_ptr<Connection>(new Connection(role, limits, queue, listener));
}

Connection::Connection(Role role, const Limits& limits, FlushQueue& queue, ConnectionListener& listener)
    : role_(role), limits_(limits), queue_(queue), listener_(&listener) {
  nghttp2_session* session = nullptr;
  const auto options = make_options(limits_);
  const auto create = role_ == Role::server ? nghttp2_session_server_new2 : nghttp2_session_client_new2;
  if (create(&session, connection_callbacks(), this, options.get()) != 0) throw std::bad_alloc();
  session_.reset(session);
  submit_settings();
}

Connection::~Connection() {
  close("destroyed");
  assert(streams_.empty());
}

void Connection::submit_settings() {
  std::vector<nghttp2_settings_entry> settings = {
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, limits_.stream_window},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, limits_.max_header_list},
  };
  if (role_ == Role::server) {
    settings.push_back({NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, limits_.max_concurrent_streams});
  } else {
    settings.push_back({NGHTTP2_SETTINGS_ENABLE_PUSH, 0});
  }
  nghttp2_submit_settings(session_.get(), NGHTTP2_FLAG_NONE, settings.data(), settings.size());
  nghttp2_session_set_local_window_size(session_.get(), NGHTTP2_FLAG_NONE, 0,
                                        static_cast<std::int32_t>(limits_.connection_window));
}

void Connection::start(Socket socket) {
  if (is_closed_) return;
  socket_ = std::make_unique<Socket>(std::move(socket));
  socket_->non_blocking(true);
  if (role_ == Role::server) arm_preface_timer();
  wait_readable();
  queue_.schedule(shared_from_this());
}

void Connection::arm_preface_timer() {
  preface_timer_ = std::make_unique<boost::asio::steady_timer>(queue_.executor(), limits_.preface_timeout);
  preface_timer_->async_wait([weak = weak_from_this()](error_code error) {
    const auto self = weak.lock();
    if (!error && self) self->close("no HTTP/2 preface arrived in time");
  });
}

void Connection::close(std::string_view reason) {
  if (is_in_session_) {
    if (!close_reason_) close_reason_ = reason;
    return;
  }
  if (std::exchange(is_closed_, true)) return;
  const auto keep = weak_from_this().lock();  // null in the destructor
  preface_timer_.reset();
  if (socket_) {
    error_code ignored;
    socket_->close(ignored);
  }
  while (!streams_.empty()) remove_stream(streams_.front(), NGHTTP2_CANCEL, true);
  if (auto* listener = std::exchange(listener_, nullptr)) listener->on_closed(*this, reason);
}

// ── Reading ──────────────────────────────────────────────────────────────────────────────────────────────────────────

void Connection::wait_readable() {
  socket_->async_wait(Socket::wait_read, [self = shared_from_this()](error_code error) {
    if (error || self->is_closed_) return;
    self->read_some();
  });
}

void Connection::read_some() {
  const FlushQueue::Batch batch(queue_);
  for (int i = 0; i < kReadsPerEvent && !is_closed_; ++i) {
    const ssize_t size = ::recv(socket_->native_handle(), read_buffer.data(), read_buffer.size(), 0);
    if (size == 0) return close("the peer closed the connection");
    if (size < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN) break;
      return close(std::string("reading failed: ") + std::strerror(errno));
    }
    const auto octets = static_cast<std::size_t>(size);
    if (!feed(reinterpret_cast<const std::uint8_t*>(read_buffer.data()), octets)) return;
    if (octets < read_buffer.size()) break;  // the socket is drained
  }
  if (!is_closed_) wait_readable();
}

// Runs nghttp2, whose callbacks may ask for the connection's end; ends it afterwards where they did.
template <class Function>
ssize_t Connection::in_session(Function function) {
  is_in_session_ = true;
  const ssize_t result = function();
  is_in_session_ = false;
  if (close_reason_) close(*close_reason_);
  return result;
}

// False where the connection is over.
bool Connection::feed(const std::uint8_t* octets, std::size_t size) {
  const ssize_t used = in_session([&] { return nghttp2_session_mem_recv(session_.get(), octets, size); });
  if (is_closed_) return false;
  if (used < 0) {
    close(std::string("malformed HTTP/2: ") + nghttp2_strerror(static_cast<int>(used)));
    return false;
  }
  queue_.schedule(shared_from_this());
  return true;
}

// ── Writing ──────────────────────────────────────────────────────────────────────────────────────────────────────────

void Connection::flush() {
  if (is_closed_ || !socket_ || is_waiting_writable_) return;
  for (;;) {
    write_buffer.clear();
    while (write_buffer.size() < kWriteSize) {
      const std::uint8_t* frame = nullptr;
      const ssize_t size = in_session([&] { return nghttp2_session_mem_send(session_.get(), &frame); });
      if (is_closed_) return;
      if (size < 0) return close(std::string("writing failed: ") + nghttp2_strerror(static_cast<int>(size)));
      if (size == 0) break;
      write_buffer.append(reinterpret_cast<const char*>(frame), static_cast<std::size_t>(size));
    }
    if (write_buffer.empty()) break;
    if (!write_out(write_buffer)) return;
  }
  close_when_done();
}

// True where the socket took everything. The rest is kept, and nothing more is produced until it is gone: that is the
// back-pressure, since a stream's octets count as taken when they are produced.
bool Connection::write_out(std::string_view octets) {
  while (!octets.empty()) {
    const ssize_t sent = ::send(socket_->native_handle(), octets.data(), octets.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      octets.remove_prefix(static_cast<std::size_t>(sent));
    } else if (errno == EAGAIN) {
      unsent_.assign(octets);
      wait_writable();
      return false;
    } else if (errno != EINTR) {
      close(std::string("writing failed: ") + std::strerror(errno));
      return false;
    }
  }
  return true;
}

void Connection::wait_writable() {
  is_waiting_writable_ = true;
  socket_->async_wait(Socket::wait_write, [self = shared_from_this()](error_code error) {
    if (error || self->is_closed_) return;
    self->is_waiting_writable_ = false;
    const FlushQueue::Batch batch(self->queue_);
    const std::string unsent = std::exchange(self->unsent_, {});
    if (self->write_out(unsent)) self->queue_.schedule(self);
  });
}

void Connection::close_when_done() {
  if (nghttp2_session_want_read(session_.get()) == 0 && nghttp2_session_want_write(session_.get()) == 0) {
    close("the HTTP/2 session ended");
  }
}

std::string& Connection::frames_out() {
  return write_buffer;
}

// ── Streams ──────────────────────────────────────────────────────────────────────────────────────────────────────────

Stream& Connection::add_stream(std::int32_t id) {
  auto* stream = new Stream(*this, id);
  streams_.push_back(*stream);
  return *stream;
}

void Connection::remove_stream(Stream& stream, std::uint32_t error_code, bool connection_lost) {
  streams_.erase(streams_.iterator_to(stream));
  const std::unique_ptr<Stream> owned(&stream);
  if (stream.listener_ != nullptr) stream.listener_->on_close(error_code, connection_lost);
}

bool Connection::accepts_requests() const {
  return !is_closed_ && nghttp2_session_check_request_allowed(session_.get()) != 0;
}

Stream* Connection::submit_request(const HeaderList& headers, bool is_end, StreamListener& listener) {
  assert(role_ == Role::client);
  if (!accepts_requests()) return nullptr;
  Stream& stream = add_stream(0);
  const std::int32_t id = submit_request_frames(session_.get(), headers, is_end, stream);
  if (id < 0) {
    remove_stream(stream, NGHTTP2_REFUSED_STREAM, false);
    return nullptr;
  }
  stream.id_ = id;
  stream.has_ended_ = is_end;
  stream.listener_ = &listener;
  queue_.schedule(shared_from_this());
  return &stream;
}

std::int32_t Connection::last_stream() const {
  return is_closed_ ? 0 : nghttp2_session_get_last_proc_stream_id(session_.get());
}

bool Connection::has_streams_up_to(std::int32_t id) const {
  return !streams_.empty() && streams_.front().id_ <= id;  // in the order of their ids (RFC 9113 §5.1.1)
}

void Connection::announce_goaway() {
  if (is_closed_) return;
  nghttp2_submit_shutdown_notice(session_.get());
  queue_.schedule(shared_from_this());
}

void Connection::finish_goaway() {
  if (is_closed_) return;
  nghttp2_submit_goaway(session_.get(), NGHTTP2_FLAG_NONE, nghttp2_session_get_last_proc_stream_id(session_.get()),
                        NGHTTP2_NO_ERROR, nullptr, 0);
  queue_.schedule(shared_from_this());
}

}  // namespace shim::http2
