#include "cri/name_keeper.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdint>
#include <optional>
#include <utility>

#include "base/units.h"
#include "base/worker_pool.h"

namespace shim::cri {
namespace {

using Clock = std::chrono::steady_clock;

// Ends with a cancel of the timer, at the latest at `end`.
boost::asio::awaitable<void> wait(boost::asio::steady_timer& timer, Clock::time_point end) {
  boost::system::error_code cancelled;
  timer.expires_at(end);
  co_await timer.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, cancelled));
}

}  // namespace

struct NameKeeper::State {
  State(const boost::asio::any_io_executor& executor, std::shared_ptr<NameStore> names_to_keep, Disk its_disk,
        Options its_options)
      : names(std::move(names_to_keep)),
        disk(std::move(its_disk)),
        options(its_options),
        is_read(executor),
        has_changed(executor),
        has_tried(executor),
        retry(options.first_retry) {}

  bool is_on_disk() const { return names->revision() == written; }
  // Neither on disk nor tried in vain.
  bool has_news() const { return !is_on_disk() && names->revision() != failed; }

  void add(StoredNames stored) {
    for (const std::string& warning : stored.warnings) spdlog::warn("{}", warning);
    if (!stored.is_writable) failure.emplace();
    names->restore(std::move(stored.names));
    is_loaded = true;
    is_read.cancel();
  }

  void note(std::uint64_t revision, const Expected<void>& result) {
    if (result) {
      if (failure) spdlog::info("the original names of images are on disk again");
      written = revision;
      failed.reset();
      failure.reset();
      retry = options.first_retry;
    } else {
      // Empty: that it cannot be written was said at the start.
      if (!failure || (!failure->empty() && *failure != result.error().message)) {
        spdlog::warn(
            "{}; until that is possible, the original names of images are in memory only, and a restart "
            "forgets them",
            result.error().message);
      }
      failed = revision;
      failure = result.error().message;
      next_try = Clock::now() + retry;
      retry = std::min(retry * 2, options.last_retry);
    }
    has_tried.cancel();
  }

  const std::shared_ptr<NameStore> names;
  const Disk disk;
  const Options options;
  std::optional<WorkerPool> worker{std::in_place, 1};  // until the NameKeeper goes
  boost::asio::cancellation_signal stop;
  bool is_closed = false;

  // Timers as events: each has one who waits, and is cancelled when it happens.
  boost::asio::steady_timer is_read;
  boost::asio::steady_timer has_changed;
  boost::asio::steady_timer has_tried;

  bool is_loaded = false;
  std::uint64_t written = 0;            // the revision on disk
  std::optional<std::uint64_t> failed;  // the revision whose writing failed last
  std::optional<std::string> failure;   // why; nothing while the disk works
  Clock::time_point next_try{};
  std::chrono::milliseconds retry;
};

NameKeeper::NameKeeper(const boost::asio::any_io_executor& executor, std::shared_ptr<NameStore> names, Disk disk,
                       Options options)
    : state_(std::make_shared<State>(executor, std::move(names), std::move(disk), options)) {
  State* state = state_.get();
  state->written = state->names->revision();
  state->names->on_change([state] { state->has_changed.cancel(); });
  boost::asio::co_spawn(executor, keep(state_),
                        boost::asio::bind_cancellation_slot(state->stop.slot(), boost::asio::detached));
}

NameKeeper::~NameKeeper() {
  const auto state = state_;
  state->is_closed = true;
  state->names->on_change({});
  state->worker.reset();
  state->is_read.cancel();
  state->has_tried.cancel();
  state->stop.emit(boost::asio::cancellation_type::terminal);
}

boost::asio::awaitable<void> NameKeeper::keep(std::shared_ptr<State> state) {
  auto read = state->disk.read;
  state->add(co_await state->worker->run(std::move(read)));
  while (!state->is_closed) {
    if (!state->has_news()) {
      const bool is_retried = !state->is_on_disk();
      co_await wait(state->has_changed, is_retried ? state->next_try : Clock::time_point::max());
      const bool is_due = is_retried && Clock::now() >= state->next_try;
      if (state->is_closed || (!state->has_news() && !is_due)) continue;
    }
    const std::uint64_t revision = state->names->revision();
    auto write = [write = state->disk.write, names = state->names->names()] { return write(names); };
    const Expected<void> result = co_await state->worker->run(std::move(write));
    state->note(revision, result);
  }
}

boost::asio::awaitable<void> NameKeeper::loaded(std::chrono::milliseconds patience) {
  const auto state = state_;
  if (!state->is_loaded) co_await wait(state->is_read, Clock::now() + patience);
  if (!state->is_loaded && !state->is_closed) {
    spdlog::warn("the original names of images could not be read within {}: they are added when the disk answers",
                 format_duration(patience));
  }
}

boost::asio::awaitable<void> NameKeeper::flush(std::chrono::milliseconds patience) {
  const auto state = state_;
  const auto end = Clock::now() + patience;
  state->failed.reset();  // one more attempt
  state->has_changed.cancel();
  while (state->has_news() && !state->is_closed && Clock::now() < end) co_await wait(state->has_tried, end);
  if (!state->is_on_disk()) {
    spdlog::warn("the last changes to the original names of images are not on disk: {}",
                 state->failure ? *state->failure : "it did not answer within " + format_duration(patience));
  }
}

NameKeeper::Disk state_directory(const std::string& folder) {
  return {.read = [folder] { return read_names(folder); },
          .write = [folder](const std::vector<RememberedName>& names) { return write_names(folder, names); }};
}

}  // namespace shim::cri
