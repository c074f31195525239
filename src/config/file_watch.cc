#include "config/file_watch.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "config/inotify.h"

namespace shim::config {
namespace {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

struct Watched {
  std::shared_ptr<const Inotify> inotify;  // null where there is none
  std::vector<Inotify::Place> places;
  std::string problem;  // why nothing is watched
};

// Blocks on the disk.
Watched watch(std::shared_ptr<const Inotify> inotify, const std::string& path, std::vector<Inotify::Place> former) {
  if (!inotify) {
    auto opened = Inotify::open();
    if (!opened) return {nullptr, {}, std::move(opened.error().message)};
    inotify = std::make_shared<const Inotify>(std::move(*opened));
  }
  auto places = inotify->watch(path, former);
  if (!places) return {std::move(inotify), std::move(former), std::move(places.error().message)};
  return {std::move(inotify), std::move(*places), {}};
}

}  // namespace

struct FileWatch::State {
  State(const asio::any_io_executor& its_executor, WorkerPool& its_workers, std::string its_path, Listener its_listener,
        Options its_options)
      : executor(its_executor),
        workers(its_workers),
        path(std::move(its_path)),
        listener(std::move(its_listener)),
        options(its_options),
        has_news(executor),
        pause(executor) {}
  ~State() { has_news.release(); }  // the Inotify closes it

  void take(Watched fresh) {
    if (fresh.inotify && !has_news.is_open()) has_news.assign(fresh.inotify->descriptor());
    watched = std::move(fresh);
    if (!watched.problem.empty() && watched.problem != told_problem) listener.on_blind(watched.problem);
    told_problem = watched.problem;
  }

  FileNews read(FileNews news) const { return read_news(watched.inotify->descriptor(), watched.places, news); }

  const asio::any_io_executor executor;
  WorkerPool& workers;
  const std::string path;
  const Listener listener;
  const Options options;
  asio::cancellation_signal stop;
  bool is_closed = false;

  Watched watched;
  std::string told_problem;
  asio::posix::stream_descriptor has_news;  // of watched.inotify; not open where there is none
  asio::steady_timer pause;                 // also what renew() ends
  bool is_to_be_renewed = false;

  asio::awaitable<void> wait(Clock::time_point end) {
    boost::system::error_code cancelled;
    pause.expires_at(end);
    co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
  }

  // Ends with an event about the file, or when renew() wants it to; true for the former.
  asio::awaitable<bool> wait_for_news() {
    while (!is_closed && !is_to_be_renewed) {
      if (!has_news.is_open()) {
        co_await wait(Clock::time_point::max());
        continue;
      }
      boost::system::error_code cancelled;
      co_await has_news.async_wait(asio::posix::descriptor_base::wait_read,
                                   asio::redirect_error(asio::use_awaitable, cancelled));
      if (is_closed) break;
      const FileNews news = read({});
      if (!news.has_changed) continue;
      co_await wait_for_end_of_burst(news);
      co_return true;
    }
    co_return false;
  }

  asio::awaitable<void> wait_for_end_of_burst(FileNews news) {
    const auto latest = Clock::now() + options.longest;
    auto last_event = Clock::now();
    while (!is_closed && Clock::now() < latest) {
      co_await wait(Clock::now() + options.quiet);
      const FileNews next = read({false, news.is_being_written});
      if (next.has_changed) last_event = Clock::now();
      news = next;
      const auto patience = news.is_being_written ? options.unfinished : options.quiet;
      if (Clock::now() - last_event >= patience) break;
    }
  }
};

FileWatch::FileWatch(const asio::any_io_executor& executor, WorkerPool& workers, std::string path, Listener listener,
                     Options options)
    : state_(std::make_shared<State>(executor, workers, std::move(path), std::move(listener), options)) {
  asio::co_spawn(executor, follow(state_), asio::bind_cancellation_slot(state_->stop.slot(), asio::detached));
}

FileWatch::~FileWatch() {
  const auto state = state_;
  state->is_closed = true;
  state->stop.emit(asio::cancellation_type::terminal);
}

void FileWatch::renew() {
  state_->is_to_be_renewed = true;
  state_->pause.cancel();
  boost::system::error_code not_open;
  state_->has_news.cancel(not_open);
}

asio::awaitable<void> FileWatch::follow(std::shared_ptr<State> state) {
  bool is_hint = true;
  while (!state->is_closed) {
    state->is_to_be_renewed = false;
    auto look = [inotify = state->watched.inotify, path = state->path, former = state->watched.places] {
      return watch(inotify, path, former);
    };
    Watched fresh = co_await state->workers.run(std::move(look));
    if (state->is_closed) co_return;
    state->take(std::move(fresh));
    // Told when the folders are watched again, so that no change falls in between.
    if (is_hint) state->listener.on_change();
    is_hint = co_await state->wait_for_news();
  }
}

}  // namespace shim::config
