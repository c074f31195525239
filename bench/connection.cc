#include "connection.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstddef>

namespace bench {
namespace {

// One thread, one buffer: a connection keeps only what its socket did not take.
constexpr std::size_t kReadBytes = std::size_t{256} << 10;
constexpr std::size_t kWriteBatchBytes = std::size_t{128} << 10;
std::array<unsigned char, kReadBytes> read_buffer;

}  // namespace

Connection::Connection(const Fd& epoll, Fd socket) : epoll_(epoll.get()), socket_(std::move(socket)) {
  epoll_event event{.events = EPOLLIN, .data = {.ptr = this}};
  epoll_ctl(epoll_, EPOLL_CTL_ADD, socket_.get(), &event);
}

bool Connection::receive() {
  const ssize_t got = recv(socket_.get(), read_buffer.data(), read_buffer.size(), 0);
  if (got < 0) return errno == EAGAIN || errno == EINTR;
  if (got == 0) return false;
  return nghttp2_session_mem_recv(session_.get(), read_buffer.data(), static_cast<std::size_t>(got)) == got;
}

bool Connection::flush() {
  while (true) {
    bool is_drained = false;
    while (unsent_.size() < kWriteBatchBytes) {
      const unsigned char* data = nullptr;
      const ssize_t size = nghttp2_session_mem_send(session_.get(), &data);
      if (size < 0) return false;
      if (size == 0) {
        is_drained = true;
        break;
      }
      unsent_.insert(unsent_.end(), data, data + size);
    }
    if (unsent_.empty()) break;
    const ssize_t sent = send(socket_.get(), unsent_.data(), unsent_.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN && errno != EINTR) return false;
    if (sent > 0) unsent_.erase(unsent_.begin(), unsent_.begin() + sent);
    if (!unsent_.empty() || is_drained) break;
  }
  watch_for_room(!unsent_.empty());
  return nghttp2_session_want_read(session_.get()) != 0 || nghttp2_session_want_write(session_.get()) != 0;
}

void Connection::watch_for_room(bool wanted) {
  if (wanted == watches_for_room_) return;
  watches_for_room_ = wanted;
  epoll_event event{.events = EPOLLIN | (wanted ? EPOLLOUT : 0u), .data = {.ptr = this}};
  epoll_ctl(epoll_, EPOLL_CTL_MOD, socket_.get(), &event);
}

std::unique_ptr<nghttp2_option, FreeOption> lean_options() {
  nghttp2_option* option = nullptr;
  nghttp2_option_new(&option);
  nghttp2_option_set_no_http_messaging(option, 1);
  nghttp2_option_set_no_closed_streams(option, 1);
  return std::unique_ptr<nghttp2_option, FreeOption>(option);
}

}  // namespace bench
