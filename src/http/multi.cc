#include "http/multi.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <utility>

namespace shim::http {

namespace asio = boost::asio;
using boost::system::error_code;

// One socket of libcurl's that it waits for. The descriptor borrows the socket: libcurl closes it.
struct Multi::Watch {
  Watch(const asio::any_io_executor& executor, curl_socket_t of) : socket(of), descriptor(executor) {}

  bool wants(Direction direction) const {
    return wanted & (direction == Direction::read ? CURL_POLL_IN : CURL_POLL_OUT);
  }
  bool& is_waiting(Direction direction) { return direction == Direction::read ? is_reading : is_writing; }

  curl_socket_t socket;
  asio::posix::stream_descriptor descriptor;
  int wanted = CURL_POLL_NONE;  // CURL_POLL_IN and CURL_POLL_OUT are bits, CURL_POLL_INOUT is both
  bool is_reading = false;
  bool is_writing = false;
  bool is_dropped = false;  // libcurl is done with the socket; its number may already be another's
};

struct Multi::Completion {
  explicit Completion(const asio::any_io_executor& executor) : done(executor, asio::steady_timer::time_point::max()) {}

  static Completion* of(CURL* easy) {
    char* completion = nullptr;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &completion);
    return reinterpret_cast<Completion*>(completion);
  }
  void complete(CURLcode code) {
    result = code;
    done.cancel();
  }

  asio::steady_timer done;  // never expires; cancelled when the transfer has ended
  std::optional<CURLcode> result;
  bool is_stream = false;
};

namespace {

// Asked after half a minute of silence, and three times more in the next: a dead peer is noticed within a minute, also
// one that no longer acknowledges what was sent.
void keep_alive(curl_socket_t socket) {
  const auto set = [socket](int level, int option, int value) {
    ::setsockopt(socket, level, option, &value, sizeof value);
  };
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, 30);
  set(IPPROTO_TCP, TCP_KEEPINTVL, 10);
  set(IPPROTO_TCP, TCP_KEEPCNT, 3);
  set(IPPROTO_TCP, TCP_USER_TIMEOUT, 60'000);
}

}  // namespace

// Keeps an easy handle in the multi handle for as long as its coroutine waits for it.
class Multi::Running {
 public:
  Running(CURLM* multi, CURL* easy, Completion& completion) : multi_(multi), easy_(easy) {
    curl_easy_setopt(easy, CURLOPT_PRIVATE, static_cast<void*>(&completion));
    if (curl_multi_add_handle(multi, easy) != CURLM_OK) completion.result = CURLE_OUT_OF_MEMORY;
  }
  Running(Running&&) = delete;
  ~Running() { curl_multi_remove_handle(multi_, easy_); }

 private:
  CURLM* multi_;
  CURL* easy_;
};

void start_libcurl() {
  [[maybe_unused]] static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
}

Multi::Multi(asio::any_io_executor executor, const ClientOptions& options)
    : executor_(std::move(executor)), timer_(executor_), multi_(curl_multi_init()) {
  curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &Multi::on_socket);
  curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &Multi::on_timeout);
  curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
  // No bound per host here: libcurl would let requests wait inside their time-outs (connection_queue.h).
  curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, static_cast<long>(options.max_idle_connections));
}

Multi::~Multi() {
  while (!watches_.empty()) unwatch(watches_.begin()->first);
  curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, nullptr);
  curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, nullptr);
  curl_multi_cleanup(multi_);
}

asio::awaitable<std::optional<CURLcode>> Multi::perform(CURL* easy, Duration duration) {
  Completion completion(executor_);
  completion.is_stream = duration == Duration::stream;
  const Running running(multi_, easy, completion);
  error_code ignored;  // the wait always ends by a cancel: ours with a result, the caller's without
  if (!completion.result) co_await completion.done.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  co_return completion.result;
}

void Multi::give_up(CURL* easy) {
  curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
  Completion& completion = *Completion::of(easy);
  if (!completion.result) completion.complete(CURLE_OPERATION_TIMEDOUT);
}

int Multi::on_socket(CURL* easy, curl_socket_t socket, int what, void* self, void*) {
  auto& multi = *static_cast<Multi*>(self);
  if (what != CURL_POLL_REMOVE) {
    const Completion* completion = Completion::of(easy);
    if (completion && completion->is_stream) keep_alive(socket);  // here, as the connection may be one of before
    return multi.watch(socket, what);
  }
  multi.unwatch(socket);
  return 0;
}

int Multi::on_timeout(CURLM*, long milliseconds, void* self) {
  auto& multi = *static_cast<Multi*>(self);
  if (milliseconds < 0) {
    multi.timer_.cancel();
    return 0;
  }
  // libcurl must not be re-entered from its callback, so even 0 ms goes through the executor.
  multi.timer_.expires_after(std::chrono::milliseconds(milliseconds));
  multi.timer_.async_wait([weak = multi.weak_from_this()](error_code error) {
    if (error) return;
    if (auto alive = weak.lock()) alive->act(CURL_SOCKET_TIMEOUT, 0);
  });
  return 0;
}

// Returns what libcurl's socket callback must: 0, or -1 where the socket cannot be waited for.
int Multi::watch(curl_socket_t socket, int what) {
  std::shared_ptr<Watch>& watch = watches_[socket];
  if (!watch) {
    watch = std::make_shared<Watch>(executor_, socket);
    error_code error;
    watch->descriptor.assign(socket, error);
    if (error) {
      watches_.erase(socket);
      return -1;
    }
  }
  watch->wanted = what;
  arm(watch, Direction::read);
  arm(watch, Direction::write);
  return 0;
}

void Multi::unwatch(curl_socket_t socket) {
  auto node = watches_.extract(socket);
  if (!node) return;
  Watch& watch = *node.mapped();
  watch.is_dropped = true;
  watch.descriptor.release();
}

void Multi::arm(const std::shared_ptr<Watch>& watch, Direction direction) {
  if (!watch->wants(direction) || watch->is_waiting(direction)) return;
  watch->is_waiting(direction) = true;
  const auto wait = direction == Direction::read ? asio::posix::stream_descriptor::wait_read
                                                 : asio::posix::stream_descriptor::wait_write;
  watch->descriptor.async_wait(wait, [weak = weak_from_this(), watch, direction](error_code error) {
    watch->is_waiting(direction) = false;
    const auto self = weak.lock();
    if (!self || watch->is_dropped || error == asio::error::operation_aborted) return;
    const int event = direction == Direction::read ? CURL_CSELECT_IN : CURL_CSELECT_OUT;
    if (watch->wants(direction)) self->act(watch->socket, error ? CURL_CSELECT_ERR : event);
    if (!watch->is_dropped) self->arm(watch, direction);
  });
}

void Multi::act(curl_socket_t socket, int events) {
  int running = 0;
  curl_multi_socket_action(multi_, socket, events, &running);
  complete_finished();
}

void Multi::complete_finished() {
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    Completion::of(message->easy_handle)->complete(message->data.result);
  }
}

}  // namespace shim::http
