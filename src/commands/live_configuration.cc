#include "commands/live_configuration.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <optional>
#include <utility>

#include "commands/configuration_log.h"
#include "commands/configuration_look.h"
#include "commands/copy_keeper.h"
#include "config/file_sync.h"
#include "config/overlay.h"
#include "config/reload.h"

namespace shim::commands {
namespace {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

struct SyncTask {
  std::string file;
  std::string expected;
  std::string content;
};

}  // namespace

struct LiveConfiguration::State {
  State(const asio::any_io_executor& its_executor, WorkerPool& its_workers, InitialConfiguration initial,
        Publish its_publish, Options its_options)
      : executor(its_executor),
        workers(its_workers),
        file(initial.file),
        publish(std::move(its_publish)),
        options(std::move(its_options)),
        log(initial.file),
        config(std::make_shared<const config::Config>(std::move(initial.config))),
        last_good(std::move(initial.text)),
        problem(std::move(initial.file_errors)),
        wake_up(executor),
        copy(executor, workers, problem.empty() ? std::nullopt : std::optional(last_good),  // where it comes from
             [this](const std::string& why) { log.copy_is_not_kept(why); }) {
    log.was_told(problem, std::move(initial.warnings));
    if (problem.empty()) judged = last_good;
    count(problem.empty());
  }

  // ── When ──────────────────────────────────────────────────────────────────────────────────────────────────────────

  void want_look() {
    is_wanted = true;
    wake_up.cancel();
  }

  asio::awaitable<void> wait_until_wanted() {
    while (!is_wanted && !is_closed) {
      const auto tick = last_look + std::chrono::duration_cast<Clock::duration>(config->reload_interval);
      const auto end = next_look ? std::min(*next_look, tick) : tick;
      boost::system::error_code cancelled;
      wake_up.expires_at(end);
      co_await wake_up.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
      const auto now = Clock::now();
      if (now >= tick && watch) watch->renew();
      if (now >= end) is_wanted = true;
    }
    is_wanted = false;
    next_look.reset();
    last_look = Clock::now();
  }

  LookTask make_task() {
    LookTask task;
    task.sources.file = file;
    task.sources.last_good = last_good;
    task.sources.overlay = overlay;
    task.sources.config_map = config->config_map;
    if (!std::exchange(is_to_be_judged_anew, false)) task.judged = judged;
    task.map = map;
    is_looking_at_map = map.has_value();
    task.overlay_is_in_file = overlay_is_in_file;
    task.environment = options.environment;
    return task;
  }

  // Whether the ConfigMap has changed during a look at what it said before.
  bool is_outdated(bool was_about_map) {
    if (!was_about_map || is_looking_at_map) return false;
    is_to_be_judged_anew = true;
    is_wanted = true;
    return true;
  }

  // Whether to look again before what was found is believed.
  bool is_in_doubt(const Look& found) {
    const bool is_new = !judged || !are_same(*judged, found.sources.text);
    if (!is_new || !found.evaluation || !is_doubtful(found.sources, *found.evaluation)) {
      doubtful_since.reset();
      return false;
    }
    const auto now = Clock::now();
    if (!doubtful_since) doubtful_since = now;
    if (now - *doubtful_since < options.settling) {
      next_look = now + options.recheck;
      return true;
    }
    doubtful_since.reset();
    return false;
  }

  // ── What ──────────────────────────────────────────────────────────────────────────────────────────────────────────

  // What was found has effect from here on; what is to be written into the file for it.
  std::optional<SyncTask> take(Look found) {
    if (std::exchange(is_looking_at_map, false)) take_map(found);
    judged = found.sources.text;
    if (!found.evaluation) return std::nullopt;
    config::Evaluation& evaluation = *found.evaluation;
    problem = evaluation.file_is_good ? "" : config::errors_in_a_line(evaluation.about_file);
    count(evaluation.file_is_good);
    if (evaluation.file_is_good) {
      log.file_is_good(evaluation.about_file);
    } else {
      log.file_is_bad(problem);
    }
    if (!evaluation.config) return std::nullopt;

    if (evaluation.config_map_is_another) newest.reset();
    overlay = std::move(evaluation.overlay);
    overlay_is_in_file = overlay.empty() || (evaluation.file_is_good && evaluation.edit_problem.empty());
    last_good = std::move(evaluation.text);
    use(std::move(*evaluation.config));
    if (!evaluation.edit_problem.empty()) log.overlay_is_not_in_file(evaluation.edit_problem);
    if (evaluation.file_content) {
      overlay_is_in_file = false;
      return SyncTask{file, std::move(*found.sources.text), std::move(*evaluation.file_content)};
    }
    if (overlay_is_in_file) note_overlay_in_file(false);
    return std::nullopt;
  }

  // Of the file.
  void count(bool is_accepted) {
    ++(is_accepted ? counts.accepted : counts.rejected);
    if (is_accepted) counts.last_accepted = std::chrono::system_clock::now();
  }

  void take_map(const Look& found) {
    const std::string origin = map->origin.name;
    map.reset();
    if (found.evaluation && found.evaluation->config_map_is_another) return;
    if (found.evaluation && found.evaluation->newest_has_effect) {
      newest = found.map_overlay;
      overlay_is_news = true;
      map_problem.clear();
      log.overlay_has_effect(*found.map_overlay, found.about_map);
    } else {
      ++counts.rejected;
      // A valid one is always evaluated.
      const auto& diagnostics = found.map_overlay ? found.evaluation->about_newest : found.about_map;
      map_problem = config::errors_in_a_line(diagnostics);
      log.overlay_is_refused(origin, diagnostics);
    }
  }

  void use(config::Config next) {
    log.need_restart(config::keys_for_restart(*config, next));
    next = config::with_values_until_restart(std::move(next), *config);
    if (next == *config) return;
    if (next.config_map != config->config_map) seen_map.reset();  // what it may say has changed
    config = std::make_shared<const config::Config>(std::move(next));
    in_use_since = std::chrono::system_clock::now();
    has_changed = true;
    publish(config);
    log.comes_into_use(*config);
  }

  void note_overlay_in_file(bool was_written) {
    if (was_written || overlay_is_news) log.overlay_is_in_file(was_written, overlay_is_news);
    overlay_is_news = false;
    overlay_is_in_file = true;
    if (newest) overlay = *newest;
    if (map_is_gone) forget_overlay();
  }

  void forget_overlay() {
    overlay = {};
    newest.reset();
    overlay_is_in_file = true;
  }

  void take(const SyncTask& task, const config::SyncResult& result) {
    using enum config::SyncResult::Kind;
    switch (result.kind) {
      case written:
        judged = task.content;
        note_overlay_in_file(true);
        break;
      case changed_meanwhile:
        is_to_be_judged_anew = true;
        next_look = Clock::now() + options.recheck;
        break;
      case not_writable:
      case failed:
        is_to_be_judged_anew = true;  // and so tried again
        log.overlay_is_not_in_file(result.message);
        break;
    }
  }

  void lose_config_map() {
    map.reset();
    map_problem.clear();
    is_looking_at_map = false;
    seen_map.reset();
    map_is_gone = true;
    if (overlay_is_in_file) forget_overlay();
  }

  const asio::any_io_executor executor;
  WorkerPool& workers;
  const std::string file;
  const Publish publish;
  const Options options;
  ConfigurationLog log;
  asio::cancellation_signal stop_following;
  bool is_closed = false;
  std::unique_ptr<config::FileWatch> watch;  // once started

  // What is in use.
  std::shared_ptr<const config::Config> config;
  std::string last_good;  // makes it
  std::string problem;
  std::chrono::system_clock::time_point in_use_since = std::chrono::system_clock::now();
  std::optional<FileText> judged;
  bool is_to_be_judged_anew = false;
  bool has_changed = false;  // since somebody asked

  // Of the ConfigMap.
  config::Overlay overlay;                // has effect
  bool overlay_is_in_file = true;         // nothing would be lost without it
  bool overlay_is_news = false;           // not told yet that it is in the file
  std::optional<config::Overlay> newest;  // what it said last, as far as that was valid
  std::optional<MapText> map;             // what it says, not looked at yet
  bool is_looking_at_map = false;         // the look under way is about `map`
  std::optional<std::string> seen_map;
  std::string map_problem;  // why what it says has no effect; empty: it has
  bool map_is_gone = false;

  // When to look.
  asio::steady_timer wake_up;
  bool is_wanted = false;
  Clock::time_point last_look = Clock::now();
  std::optional<Clock::time_point> next_look;
  std::optional<Clock::time_point> doubtful_since;
  std::vector<std::function<void()>> askers;

  Counts counts;
  CopyKeeper copy;
};

LiveConfiguration::LiveConfiguration(asio::any_io_executor executor, WorkerPool& workers, InitialConfiguration initial,
                                     Publish publish, Options options)
    : state_(std::make_shared<State>(executor, workers, std::move(initial), std::move(publish), std::move(options))) {}

LiveConfiguration::~LiveConfiguration() {
  const auto state = state_;
  state->is_closed = true;
  state->watch.reset();
  state->stop_following.emit(asio::cancellation_type::terminal);
}

void LiveConfiguration::start() {
  State* state = state_.get();
  const config::FileWatch::Listener listener = {
      .on_change = [state] { state->want_look(); },
      .on_blind = [state](const std::string& why) { state->log.is_not_watched(why); }};
  state->watch =
      std::make_unique<config::FileWatch>(state->executor, state->workers, state->file, listener, state->options.watch);
  asio::co_spawn(state->executor, follow(state_),
                 asio::bind_cancellation_slot(state->stop_following.slot(), asio::detached));
  state->copy.keep(state->config->image, state->last_good);
}

void LiveConfiguration::reload(std::function<void()> done) {
  state_->log.tell_again();
  state_->is_to_be_judged_anew = true;
  state_->askers.push_back(std::move(done));
  state_->want_look();
}

void LiveConfiguration::see(const kubernetes::Sight& sight) {
  State& state = *state_;
  const config::ConfigMap& config_map = state.config->config_map;
  if (const auto* unknown = std::get_if<kubernetes::Unknown>(&sight)) {
    return state.log.config_map_is_unknown(config_map, *unknown);
  }
  const auto* present = std::get_if<kubernetes::Present>(&sight);
  if (present == nullptr || !present->text) {
    if (present != nullptr) {
      state.log.config_map_lacks_key(config_map);
    } else {
      state.log.config_map_is_absent(config_map, state.seen_map.has_value());
    }
    return state.lose_config_map();
  }
  if (state.seen_map == present->text) return;
  state.seen_map = present->text;
  state.map_is_gone = false;
  state.is_looking_at_map = false;
  state.map = MapText{
      *present->text,
      {.name = fmt::format("ConfigMap {}/{}", config_map.name_space, config_map.name), .variables = config_map.env}};
  state.want_look();
}

void LiveConfiguration::disregard_config_map() {
  state_->lose_config_map();
  state_->forget_overlay();
  state_->is_to_be_judged_anew = true;
  state_->want_look();
}

const std::string& LiveConfiguration::file() const {
  return state_->file;
}

const std::string& LiveConfiguration::problem() const {
  return state_->problem;
}

LiveConfiguration::Counts LiveConfiguration::counts() const {
  Counts counts = state_->counts;
  counts.file_is_rejected = !state_->problem.empty();
  counts.config_map_is_rejected = !state_->map_problem.empty();
  return counts;
}

std::chrono::system_clock::time_point LiveConfiguration::in_use_since() const {
  return state_->in_use_since;
}

const std::string& LiveConfiguration::config_map_problem() const {
  return state_->map_problem;
}

config::InUse LiveConfiguration::in_use() const {
  return {.config = *state_->config,
          .file = state_->file,
          .text = state_->last_good,
          .overlay = state_->overlay,
          .problem = state_->problem};
}

asio::awaitable<void> LiveConfiguration::follow(std::shared_ptr<State> state) {
  for (;;) {
    co_await state->wait_until_wanted();
    if (state->is_closed) co_return;
    auto askers = std::exchange(state->askers, {});
    auto task = state->make_task();
    const bool is_about_map = task.map.has_value();
    auto work = [task = std::move(task)]() mutable { return look_at_file(std::move(task)); };
    Look found = co_await state->workers.run(std::move(work));
    if (state->is_closed) co_return;
    if (state->is_outdated(is_about_map) || state->is_in_doubt(found)) {
      state->askers.insert(state->askers.begin(), askers.begin(), askers.end());
      continue;
    }
    state->has_changed = false;
    auto sync = state->take(std::move(found));
    state->copy.keep(state->config->image, state->last_good);
    if (!askers.empty() && !state->has_changed && state->problem.empty()) state->log.nothing_has_changed();
    for (const auto& done : askers) done();
    if (!sync) continue;
    auto write = [task = *sync] { return config::sync_file(task.file, task.expected, task.content); };
    const config::SyncResult result = co_await state->workers.run(std::move(write));
    if (!state->is_closed) state->take(*sync, result);
  }
}

}  // namespace shim::commands
