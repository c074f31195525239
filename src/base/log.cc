#include "base/log.h"

#include <fmt/format.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spdlog/sinks/sink.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <ctime>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "base/text.h"

namespace shim {
namespace {

constexpr std::size_t kMaxPending = 64 * 1024;
constexpr std::size_t kMaxMessage = 8 * 1024;
static_assert(6 * kMaxMessage + 128 < kMaxPending, "a JSON escape takes six bytes: every line fits into the buffer");
constexpr std::chrono::seconds kFlushLimit{1};

std::atomic<std::uint64_t> all_dropped{0};  // lines, of all logs

std::string_view level_word(spdlog::level::level_enum level) {
  switch (level) {
    case spdlog::level::trace:
    case spdlog::level::debug:
      return "debug";
    case spdlog::level::warn:
      return "warning";
    case spdlog::level::err:
    case spdlog::level::critical:
      return "error";
    default:
      return "info";
  }
}

// `2022-12-11T02:18:47`, in UTC.
std::string utc_time(std::chrono::system_clock::time_point time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(std::chrono::floor<std::chrono::seconds>(time));
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday,
                     utc.tm_hour, utc.tm_min, utc.tm_sec);
}

std::string json_line(std::chrono::system_clock::time_point time, std::string_view level, std::string_view message) {
  const auto milliseconds = std::chrono::floor<std::chrono::milliseconds>(time.time_since_epoch()).count() % 1000;
  // In this order, which an object of the library would not keep. Bytes that are not UTF-8 become U+FFFD.
  const nlohmann::json text(message.substr(0, kMaxMessage));
  return fmt::format(R"({{"time":"{}.{:03}Z","level":"{}","message":{}}})"
                     "\n",
                     utc_time(time), milliseconds, level,
                     text.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

std::string format_line(LogFormat format, std::chrono::system_clock::time_point time, spdlog::level::level_enum level,
                        std::string_view message) {
  if (format == LogFormat::json) return json_line(time, level_word(level), message);
  return fmt::format("{} {} {}\n", utc_time(time), level_word(level), printable(message, kMaxMessage));
}

// Lines on their way to the descriptor. Shared by the sink and its thread, as the thread may be stuck in write() when
// the sink goes and is then left behind.
class LineQueue {
 public:
  LineQueue(int fd, LogFormat format) : fd_(fd), format_(format) {
    pending_.reserve(kMaxPending);
    writing_.reserve(kMaxPending);
  }

  // Never waits for the descriptor.
  void append(std::string_view line) {
    const std::lock_guard lock(mutex_);
    if (pending_.size() + line.size() > kMaxPending) drop_oldest(line.size());
    pending_ += line;
    work_.notify_one();
  }

  // True when everything was written within the limit.
  bool flush(std::chrono::milliseconds limit) {
    std::unique_lock lock(mutex_);
    return idle_.wait_for(lock, limit, [&] { return pending_.empty() && writing_.empty(); });
  }

  void set_format(LogFormat format) { format_ = format; }
  LogFormat format() const { return format_; }

  void stop() {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    work_.notify_one();
  }

  // The thread's body: until stop(), and until nothing is pending.
  void run() {
    std::unique_lock lock(mutex_);
    while (true) {
      work_.wait(lock, [&] { return stopping_ || !pending_.empty(); });
      if (pending_.empty()) return;
      std::swap(pending_, writing_);  // both keep their memory: this thread allocates nothing
      const std::uint64_t dropped = std::exchange(dropped_, 0);
      lock.unlock();
      if (dropped > 0) write_all(dropped_notice(dropped));
      write_all(writing_);
      lock.lock();
      writing_.clear();
      if (pending_.empty()) idle_.notify_all();
    }
  }

 private:
  // Makes room for `size` bytes, and for some more, as moving the rest to the front costs time. REQUIRES: mutex_ held.
  void drop_oldest(std::size_t size) {
    const std::size_t least = std::max(pending_.size() + size - kMaxPending, kMaxPending / 4);
    const std::size_t end =
        std::min(pending_.find('\n', std::min(least, pending_.size() - 1)), pending_.size() - 1) + 1;
    const auto lines =
        static_cast<std::uint64_t>(std::count(pending_.begin(), pending_.begin() + static_cast<long>(end), '\n'));
    dropped_ += lines;
    all_dropped += lines;
    pending_.erase(0, end);
  }

  std::string dropped_notice(std::uint64_t dropped) const {
    return format_line(format_, std::chrono::system_clock::now(), spdlog::level::warn,
                       fmt::format("log: {} lines were dropped because stderr was blocked", dropped));
  }

  // A descriptor that fails loses the text: there is nowhere to say so.
  void write_all(std::string_view text) const {
    while (!text.empty()) {
      const ssize_t written = ::write(fd_, text.data(), text.size());
      if (written >= 0) {
        text.remove_prefix(static_cast<std::size_t>(written));
      } else if (errno == EAGAIN) {  // somebody else made it non-blocking
        pollfd ready{fd_, POLLOUT, 0};
        ::poll(&ready, 1, -1);
      } else if (errno != EINTR) {
        return;
      }
    }
  }

  const int fd_;
  std::atomic<LogFormat> format_;

  std::mutex mutex_;
  std::condition_variable work_, idle_;
  std::string pending_;        // whole lines; guarded by mutex_
  std::uint64_t dropped_ = 0;  // lines lost before the first of pending_; guarded by mutex_
  bool stopping_ = false;      // guarded by mutex_
  std::string writing_;        // the thread's alone while it is not empty; else guarded by mutex_
};

// A thread that no signal is delivered to: the daemon's handlers run elsewhere, and a reader of stderr that went away
// is an EPIPE here, not the end of the process.
std::thread start_writer(std::shared_ptr<LineQueue> queue) {
  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread thread([queue = std::move(queue)] { queue->run(); });
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return thread;
}

class Sink final : public spdlog::sinks::sink {
 public:
  explicit Sink(const LogOptions& options)
      : queue_(std::make_shared<LineQueue>(options.fd, options.format)), thread_(start_writer(queue_)) {}
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;
  ~Sink() override {
    queue_->stop();
    // Bounded, so that a blocked stderr cannot hold up the exit.
    if (queue_->flush(kFlushLimit)) {
      thread_.join();
    } else {
      thread_.detach();
    }
  }

  void log(const spdlog::details::log_msg& message) override {
    queue_->append(
        format_line(queue_->format(), message.time, message.level, {message.payload.data(), message.payload.size()}));
  }
  void flush() override { queue_->flush(kFlushLimit); }
  void set_format(LogFormat format) { queue_->set_format(format); }
  void set_pattern(const std::string&) override {}
  void set_formatter(std::unique_ptr<spdlog::formatter>) override {}

 private:
  const std::shared_ptr<LineQueue> queue_;
  std::thread thread_;
};

spdlog::level::level_enum level_of(bool debug) {
  return debug ? spdlog::level::debug : spdlog::level::info;
}

}  // namespace

void configure_log(const LogOptions& options) {
  auto logger = std::make_shared<spdlog::logger>("", std::make_shared<Sink>(options));
  logger->set_level(level_of(options.debug));
  spdlog::set_default_logger(std::move(logger));
}

void set_log_debug(bool debug) {
  spdlog::set_level(level_of(debug));
}

void set_log_format(LogFormat format) {
  for (const auto& sink : spdlog::default_logger_raw()->sinks()) {
    if (auto* ours = dynamic_cast<Sink*>(sink.get())) ours->set_format(format);
  }
}

void flush_log() {
  spdlog::default_logger_raw()->flush();
}

std::uint64_t log_lines_dropped() {
  return all_dropped;
}

}  // namespace shim
