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
#include <cstdlib>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

#include "base/log_repeats.h"

namespace shim {
namespace {

constexpr std::size_t kMaxPending = 64 * 1024;
static_assert(kMaxLogLine < kMaxPending, "every line fits into the buffer");
constexpr std::chrono::seconds kFlushLimit{1};

std::atomic<std::uint64_t> all_dropped{0};  // lines, of all logs

// What log_event adds to the line that this thread is logging; else empty.
struct Event {
  std::size_t lasting = std::string_view::npos;  // octets of the message that are the same the next time
  std::string_view fields;
};
thread_local Event current_event;

bool is_counted(spdlog::level::level_enum level) {
  return level >= spdlog::level::warn;
}

// Lines on their way to the descriptor. Shared by the sink and its thread, as the thread may be stuck in write() when
// the sink goes and is then left behind.
class LineQueue {
 public:
  LineQueue(int fd, const LogStyle& style) : fd_(fd), has_priorities_(style.has_priorities), format_(style.format) {
    pending_.reserve(kMaxPending);
    writing_.reserve(kMaxPending);
  }

  // Never waits for the descriptor. `lasting` is the part of the message that makes it a repeat of another.
  void append(const LogLine& line, std::string_view lasting) {
    if (is_counted(line.level) && !is_news(line.level, lasting)) return;
    const std::string text = format_line(style(), line);
    const std::lock_guard lock(mutex_);
    append(text);
    work_.notify_one();
  }

  // True when everything was written within the limit.
  bool flush(std::chrono::milliseconds limit) {
    std::unique_lock lock(mutex_);
    return idle_.wait_for(lock, limit, [&] { return pending_.empty() && writing_.empty(); });
  }

  void set_format(LogFormat format) { format_ = format; }

  void stop() {
    const std::lock_guard lock(mutex_);
    for (const auto& repeated : repeats_.take_all(LogRepeats::Clock::now())) append(line_of(repeated));
    stopping_ = true;
    work_.notify_one();
  }

  // The thread's body: until stop(), and until nothing is pending.
  void run() {
    std::unique_lock lock(mutex_);
    while (true) {
      wait_for_work(lock);
      for (const auto& repeated : repeats_.take_due(LogRepeats::Clock::now())) append(line_of(repeated));
      if (pending_.empty() && stopping_) return;
      if (pending_.empty()) continue;
      std::swap(pending_, writing_);  // both keep their memory: this thread allocates nothing but notices
      const std::uint64_t dropped = std::exchange(dropped_, 0);
      lock.unlock();
      write_out(dropped);
      lock.lock();
      writing_.clear();
      if (pending_.empty()) idle_.notify_all();
    }
  }

 private:
  LogStyle style() const { return {.format = format_, .has_priorities = has_priorities_}; }

  // Whether to write it; a repeat is counted instead.
  bool is_news(spdlog::level::level_enum level, std::string_view text) {
    const std::lock_guard lock(mutex_);
    const auto verdict = repeats_.say(level, text.substr(0, kMaxLogMessage), LogRepeats::Clock::now());
    if (verdict.displaced) append(line_of(*verdict.displaced));
    return verdict.is_written;
  }

  // Until there is something to write or to tell. REQUIRES: mutex_ held by `lock`.
  void wait_for_work(std::unique_lock<std::mutex>& lock) {
    const auto is_wanted = [&] { return stopping_ || !pending_.empty(); };
    if (const auto due = repeats_.next_due()) {
      work_.wait_until(lock, *due, is_wanted);
    } else {
      work_.wait(lock, is_wanted);
    }
  }

  // REQUIRES: mutex_ held.
  void append(std::string_view line) {
    if (pending_.size() + line.size() > kMaxPending) drop_oldest(line.size());
    pending_ += line;
  }

  // Makes room for `size` bytes, and for some more, as moving the rest to the front costs time. REQUIRES: mutex_ held.
  void drop_oldest(std::size_t size) {
    const std::size_t least = std::max(pending_.size() + size - kMaxPending, kMaxPending / 4);
    const std::size_t end =
        std::min(pending_.find('\n', std::min(least, pending_.size() - 1)), pending_.size() - 1) + 1;
    const std::size_t lines = lines_in(std::string_view(pending_).substr(0, end));
    dropped_ += lines;
    all_dropped += lines;
    pending_.erase(0, end);
  }

  static std::uint64_t lines_in(std::string_view text) {
    return static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\n'));
  }

  std::string line_of(const LogRepeats::Repeated& repeated) const {
    LogFields fields;
    fields.number("repeats", static_cast<std::int64_t>(repeated.count));
    fields.seconds("repeats_seconds", repeated.over);
    return format_line(style(), {.time = std::chrono::system_clock::now(),
                                 .level = repeated.level,
                                 .message = repeated_text(repeated),
                                 .fields = fields.json()});
  }
  std::string notice(const std::string& message) const {
    return format_line(style(),
                       {.time = std::chrono::system_clock::now(), .level = spdlog::level::warn, .message = message});
  }

  // The thread's: writing_, after what there is to say of lines that were lost before it.
  void write_out(std::uint64_t dropped) {
    std::string notices;
    if (lost_ > 0) {
      if (is_line_open_) notices += '\n';
      notices += notice(fmt::format("log: {} lines were lost because stderr could not be written to: {}", lost_,
                                    std::generic_category().message(failure_)));
    }
    if (dropped > 0) notices += notice(fmt::format("log: {} lines were dropped because stderr was blocked", dropped));
    std::string_view rest = notices;
    if (write_all(rest)) {
      lost_ = 0;
      rest = writing_;
      if (write_all(rest)) return;
    } else {
      lost_ += dropped;
      rest = writing_;
    }
    lost_ += lines_in(rest);
  }

  // Takes what was written off the front of `text`; false where writing failed.
  bool write_all(std::string_view& text) {
    while (!text.empty()) {
      const ssize_t written = ::write(fd_, text.data(), text.size());
      if (written >= 0) {
        is_line_open_ = written > 0 && text[static_cast<std::size_t>(written) - 1] != '\n';
        text.remove_prefix(static_cast<std::size_t>(written));
      } else if (errno == EAGAIN) {  // somebody else made it non-blocking
        pollfd ready{fd_, POLLOUT, 0};
        ::poll(&ready, 1, -1);
      } else if (errno != EINTR) {
        failure_ = errno;
        return false;
      }
    }
    return true;
  }

  const int fd_;
  const bool has_priorities_;
  std::atomic<LogFormat> format_;

  std::mutex mutex_;
  std::condition_variable work_, idle_;
  std::string pending_;                        // whole lines; guarded by mutex_
  std::uint64_t dropped_ = 0;                  // lines lost before the first of pending_; guarded by mutex_
  LogRepeats repeats_{LogRepeats::Options{}};  // guarded by mutex_
  bool stopping_ = false;                      // guarded by mutex_
  std::string writing_;                        // the thread's alone while it is not empty; else guarded by mutex_

  // The thread's alone.
  std::uint64_t lost_ = 0;     // lines that writing failed for, not told yet
  int failure_ = 0;            // errno of that
  bool is_line_open_ = false;  // the last write ended inside a line
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
      : queue_(std::make_shared<LineQueue>(options.fd, LogStyle{options.format, options.has_priorities})),
        thread_(start_writer(queue_)) {}
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
    const std::string_view text(message.payload.data(), message.payload.size());
    queue_->append({message.time, message.level, text, current_event.fields}, text.substr(0, current_event.lasting));
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

// std::terminate aborts, which writes nothing of what is pending.
[[noreturn]] void log_and_abort() {
  std::string what = "no exception";
  if (const auto exception = std::current_exception()) {
    try {
      std::rethrow_exception(exception);
    } catch (const std::exception& error) {
      what = error.what();
    } catch (...) {
      what = "an exception without a message";
    }
  }
  spdlog::critical("image-cri-shim ends by an error of its own, which should be reported: {}", what);
  flush_log();
  std::abort();
}

}  // namespace

void configure_log(const LogOptions& options) {
  std::set_terminate(log_and_abort);
  auto logger = std::make_shared<spdlog::logger>("", std::make_shared<Sink>(options));
  logger->set_level(level_of(options.debug));
  spdlog::set_default_logger(std::move(logger));
}

void log_event(spdlog::level::level_enum level, std::string_view message, std::string_view measured,
               const LogFields& fields) {
  current_event = {.lasting = message.size(), .fields = fields.json()};
  spdlog::log(level, "{}{}", message, measured);
  current_event = {};
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
