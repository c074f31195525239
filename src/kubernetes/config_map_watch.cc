#include "kubernetes/config_map_watch.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <random>
#include <utility>

#include "base/units.h"
#include "http/url.h"
#include "kubernetes/api_object.h"
#include "kubernetes/api_request.h"
#include "kubernetes/known_sight.h"
#include "kubernetes/refusal.h"
#include "kubernetes/watch_plan.h"
#include "kubernetes/watch_stream.h"

// GCC 12 at -O2 takes Asio's operator delete of a coroutine frame for the wrong one.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace shim::kubernetes {

namespace asio = boost::asio;
using std::chrono::milliseconds;

namespace {

using Ask = WatchPlan::Ask;
using Outcome = WatchPlan::Outcome;
using Clock = WatchPlan::Clock;

constexpr std::chrono::seconds kShortestWatch{30 * 60};  // as client-go's are, so that nodes do not renew at once
constexpr double kWatchSpread = 30 * 60;                 // seconds
constexpr std::chrono::seconds kWatchMargin{60};         // for a server that ends a watch late
constexpr std::chrono::seconds kEndMargin{5};            // for one that ends it early
constexpr int kSilenceWithoutBookmarks = 4;              // times `longest_silence`

double random_fraction() {
  thread_local std::minstd_rand generator{std::random_device{}()};
  return std::uniform_real_distribution<double>(0, 1)(generator);
}

std::string origin_of(const std::string& server) {
  const auto url = http::Url::parse(server);
  return url ? url->origin() : std::string();
}

}  // namespace

// The one coroutine, and what it shares with look_now() and with the stream of a watch. Kept by the coroutine too.
class ConfigMapWatch::Loop : public std::enable_shared_from_this<Loop> {
 public:
  Loop(asio::any_io_executor executor, http::Client& http, OpenAccess open, WatchOptions options, Listener listener)
      : executor_(std::move(executor)),
        http_(http),
        open_(std::move(open)),
        options_(std::move(options)),
        wanted_{options_.name_space, options_.name, options_.key},
        listener_(std::move(listener)),
        plan_({.poll_interval = options_.poll_interval,
               .first_pause = options_.first_pause,
               .longest_pause = options_.longest_pause,
               .longest_refused_pause = options_.longest_refused_pause},
              &random_fraction),
        timer_(executor_) {}

  void start() { asio::co_spawn(executor_, run(shared_from_this()), asio::detached); }
  void stop() {
    is_stopped_ = true;
    status_.phase = WatchStatus::Phase::stopped;
    interrupt();
  }
  void look_now() {
    looks_now_ = true;
    interrupt();
  }
  const WatchStatus& status() const { return status_; }

 private:
  // What came of one question; the reason is that of a failure.
  struct Attempt {
    Outcome outcome;
    std::string reason{};
    bool is_access = false;
  };

  static asio::awaitable<void> run(std::shared_ptr<Loop> self);
  WatchPlan::Step begin_anew();
  asio::awaitable<void> pause(WatchPlan::Step step);
  asio::awaitable<Attempt> attempt(Ask ask);
  asio::awaitable<Expected<Login>> log_in();
  asio::awaitable<Attempt> get(Login login);
  asio::awaitable<Attempt> watch(Login login);
  Attempt judge_get(const http::Response& answer);
  Attempt judge_watch(const std::expected<http::Response, http::Failure>& answer, WatchStream& stream,
                      std::chrono::seconds time);
  // The result of `work`; nothing where it was interrupted, or threw.
  template <class Result>
  asio::awaitable<std::optional<Result>> interruptible(asio::awaitable<Result> work);

  bool take(WatchStream& stream, std::string_view piece);
  void learn(WatchStream& stream);
  void settle(const Attempt& attempt, WatchPlan::Step next);
  Attempt refused(Refusal refusal);
  Attempt failed(Outcome outcome, std::string_view clause) const;
  void deliver();
  void tell(const Sight& sight);
  void interrupt() {
    timer_.cancel();
    interrupt_.emit(asio::cancellation_type::terminal);
  }
  bool is_interrupted() const { return is_stopped_ || looks_now_; }
  void has_seen() { status_.last_seen = std::chrono::system_clock::now(); }

  const asio::any_io_executor executor_;
  http::Client& http_;
  const OpenAccess open_;
  const WatchOptions options_;
  const ConfigMapKey wanted_;
  const Listener listener_;

  WatchPlan plan_;
  asio::steady_timer timer_;             // of a pause
  asio::cancellation_signal interrupt_;  // of a question
  bool is_stopped_ = false;
  bool looks_now_ = false;
  bool says_that_it_polls_ = false;

  std::shared_ptr<Access> access_;
  std::string resource_version_;  // to watch from; empty: from what is there
  std::string object_version_;    // of the ConfigMap as it was seen last
  bool has_expired_ = false;      // the one that a GET gives is too old
  bool sends_bookmarks_ = false;  // the last watch had one, or none has been silent since
  KnownSight known_;
  std::optional<Sight> seen_;  // and not yet told
  WatchStatus status_;
};

asio::awaitable<void> ConfigMapWatch::Loop::run(std::shared_ptr<Loop> self) {
  WatchPlan::Step step;
  while (!self->is_stopped_) {
    if (std::exchange(self->looks_now_, false)) step = self->begin_anew();
    co_await self->pause(step);
    if (self->is_interrupted()) continue;
    const Attempt attempt = co_await self->attempt(step.ask);
    self->deliver();
    if (self->is_interrupted()) continue;
    step = self->plan_.after(step.ask, attempt.outcome, Clock::now());
    self->settle(attempt, step);
  }
}

asio::awaitable<void> ConfigMapWatch::Loop::pause(WatchPlan::Step step) {
  if (step.pause.count() <= 0) co_return;
  timer_.expires_after(step.pause);
  boost::system::error_code ignored;  // whoever ended it says so by a flag
  co_await timer_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

template <class Result>
asio::awaitable<std::optional<Result>> ConfigMapWatch::Loop::interruptible(asio::awaitable<Result> work) {
  auto token = asio::bind_cancellation_slot(interrupt_.slot(), asio::use_awaitable);
  try {
    co_return co_await asio::co_spawn(executor_, std::move(work), token);
  } catch (const std::exception& error) {
    if (!is_interrupted())
      spdlog::error("watching ConfigMap {} failed in the shim itself: {}", wanted_.place(), error.what());
  }
  co_return std::nullopt;
}

asio::awaitable<ConfigMapWatch::Loop::Attempt> ConfigMapWatch::Loop::attempt(Ask ask) {
  auto login = co_await log_in();
  if (is_interrupted()) co_return Attempt{};
  if (!login) {
    Attempt no_access;
    no_access.reason = std::move(login.error().message);
    no_access.is_access = true;
    co_return no_access;
  }
  status_.server = origin_of(login->server);
  if (ask == Ask::get) co_return co_await get(std::move(*login));
  co_return co_await watch(std::move(*login));
}

asio::awaitable<Expected<Login>> ConfigMapWatch::Loop::log_in() {
  if (!access_) {
    auto opening = open_();
    auto opened = co_await interruptible(std::move(opening));
    if (!opened) co_return fail("the way to the API server cannot be found");
    if (!*opened) co_return std::unexpected(opened->error());
    access_ = std::move(**opened);
  }
  if (is_interrupted()) co_return fail("interrupted");
  const std::shared_ptr<Access> access = access_;
  auto asking = access->login();
  auto login = co_await interruptible(std::move(asking));
  if (!login) co_return fail(access->name() + " cannot be used");
  co_return std::move(*login);
}

asio::awaitable<ConfigMapWatch::Loop::Attempt> ConfigMapWatch::Loop::get(Login login) {
  http::Request request = get_request(login, wanted_);
  request.timeout = options_.answer_timeout;
  auto question = http_.request(std::move(request));
  const auto answer = co_await interruptible(std::move(question));
  if (!answer || is_interrupted()) co_return Attempt{};
  if (!*answer) co_return failed({}, answer->error().message);
  co_return judge_get(**answer);
}

ConfigMapWatch::Loop::Attempt ConfigMapWatch::Loop::judge_get(const http::Response& answer) {
  if (says_not_found(answer)) {
    resource_version_.clear();
    object_version_.clear();
    has_seen();
    seen_ = Absent{};
    return {{Outcome::Kind::answered}};
  }
  if (answer.status != 200) return refused(refusal_of_answer(Ask::get, answer, wanted_));
  auto config_map = parse_config_map(answer.body, wanted_);
  if (!config_map) {
    const std::string clause = fmt::format("{}: answered {}", status_.server, config_map.error().message);
    return failed({Outcome::Kind::garbled}, clause);
  }
  // It is the version of the object's last change. Where the server's history begins later, as after its restart, it is
  // too old however often it is read: then the watch begins with what is there. Where it is the one seen before, the
  // watch goes on from where it was.
  const bool is_changed = std::exchange(object_version_, config_map->resource_version) != config_map->resource_version;
  if (!std::exchange(has_expired_, false) && is_changed) resource_version_ = object_version_;
  has_seen();
  seen_ = Present{std::move(config_map->text), std::move(config_map->resource_version)};
  return {{Outcome::Kind::answered}};
}

asio::awaitable<ConfigMapWatch::Loop::Attempt> ConfigMapWatch::Loop::watch(Login login) {
  const std::chrono::seconds time =
      kShortestWatch + std::chrono::seconds(static_cast<int>(kWatchSpread * random_fraction()));
  http::Request request = watch_request(login, wanted_, resource_version_, time);
  request.timeout = time + kWatchMargin;
  request.head_timeout = options_.answer_timeout;
  request.idle_timeout = options_.longest_silence * (sends_bookmarks_ ? 1 : kSilenceWithoutBookmarks);
  WatchStream stream(wanted_);
  request.on_body = [this, &stream](std::string_view piece) { return take(stream, piece); };
  auto question = http_.request(std::move(request));
  const auto answer = co_await interruptible(std::move(question));
  if (stream.lasted(Clock::now()) >= WatchPlan::kStable) known_.forget_reasons();
  if (!answer || is_interrupted()) co_return Attempt{};
  co_return judge_watch(*answer, stream, time);
}

ConfigMapWatch::Loop::Attempt ConfigMapWatch::Loop::judge_watch(
    const std::expected<http::Response, http::Failure>& answer, WatchStream& stream, std::chrono::seconds time) {
  const milliseconds lasted = stream.lasted(Clock::now());
  if (lasted.count() > 0) says_that_it_polls_ = false;
  if (!answer) {
    const bool was_silent = answer.error().was_answered && answer.error().kind == http::Failure::Kind::timed_out;
    if (was_silent) sends_bookmarks_ = false;
    const auto kind = was_silent ? Outcome::Kind::ended : Outcome::Kind::lost;
    return failed({kind, lasted}, answer.error().message);
  }
  if (answer->status / 100 != 2) return refused(refusal_of_answer(Ask::watch, *answer, wanted_));
  const bool is_good = !stream.has_failed() && stream.end();
  learn(stream);
  if (is_good) {
    const auto kind = lasted + kEndMargin < time ? Outcome::Kind::cut_short : Outcome::Kind::ended;
    return failed({kind, lasted}, fmt::format("{}: ended it after {}", status_.server, format_duration(lasted)));
  }
  if (stream.status()) {
    Refusal refusal = refusal_of_status(Ask::watch, *stream.status(), wanted_);
    refusal.outcome.lasted = lasted;
    return refused(std::move(refusal));
  }
  return failed({Outcome::Kind::garbled, lasted}, fmt::format("{}: sent {}", status_.server, stream.error()));
}

// Called by libcurl: what it learns is told afterwards.
bool ConfigMapWatch::Loop::take(WatchStream& stream, std::string_view piece) {
  const bool goes_on = stream.add(piece, Clock::now());
  learn(stream);
  if (!piece.empty()) return goes_on;
  status_.phase = WatchStatus::Phase::watching;
  status_.reason.clear();
  return goes_on;
}

void ConfigMapWatch::Loop::learn(WatchStream& stream) {
  if (stream.resource_version().empty()) return;
  resource_version_ = stream.resource_version();
  has_expired_ = false;
  sends_bookmarks_ = sends_bookmarks_ || stream.had_bookmark();
  has_seen();
  auto sight = stream.take_sight();
  if (!sight) return;
  const auto* present = std::get_if<Present>(&*sight);
  object_version_ = present ? present->resource_version : "";
  seen_ = std::move(sight);
  asio::post(executor_, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->deliver();
  });
}

WatchPlan::Step ConfigMapWatch::Loop::begin_anew() {
  if (status_.phase == WatchStatus::Phase::pausing) access_.reset();  // there may be another way by now
  return plan_.restart(Clock::now());
}

void ConfigMapWatch::Loop::settle(const Attempt& attempt, WatchPlan::Step next) {
  status_.reason = attempt.reason;
  if (!attempt.reason.empty()) spdlog::debug("{}; asked again in {}", attempt.reason, format_duration(next.pause));
  if (next.is_setback) {
    ++status_.failures;
    status_.phase = WatchStatus::Phase::pausing;
    return tell(Unknown{attempt.reason, attempt.is_access});
  }
  if (!plan_.is_polling()) {
    if (next.pause.count() > 0) status_.phase = WatchStatus::Phase::pausing;
    return;
  }
  status_.phase = WatchStatus::Phase::polling;
  if (attempt.outcome.kind == Outcome::Kind::answered) known_.forget_reasons();
  if (attempt.outcome.kind != Outcome::Kind::forbidden || std::exchange(says_that_it_polls_, true)) return;
  spdlog::info("configmap {} is looked at every {}, as it cannot be watched: {}", wanted_.place(),
               format_duration(options_.poll_interval), attempt.reason);
}

ConfigMapWatch::Loop::Attempt ConfigMapWatch::Loop::refused(Refusal refusal) {
  if (refusal.outcome.kind == Outcome::Kind::unauthorized) access_->refused();
  if (refusal.outcome.kind == Outcome::Kind::expired) {
    resource_version_.clear();
    has_expired_ = true;
  }
  return failed(refusal.outcome, fmt::format("{}: {}", status_.server, refusal.reason));
}

ConfigMapWatch::Loop::Attempt ConfigMapWatch::Loop::failed(Outcome outcome, std::string_view clause) const {
  Attempt attempt{.outcome = outcome};
  attempt.reason = fmt::format("cannot follow ConfigMap {} with {}: {}", wanted_.place(), access_->name(), clause);
  return attempt;
}

void ConfigMapWatch::Loop::deliver() {
  if (const auto sight = std::exchange(seen_, std::nullopt)) tell(*sight);
}

void ConfigMapWatch::Loop::tell(const Sight& sight) {
  if (!is_stopped_ && known_.is_news(sight)) listener_(sight);
}

ConfigMapWatch::ConfigMapWatch(asio::any_io_executor executor, http::Client& http, OpenAccess open,
                               WatchOptions options, Listener listener)
    : loop_(std::make_shared<Loop>(std::move(executor), http, std::move(open), std::move(options),
                                   std::move(listener))) {}

ConfigMapWatch::~ConfigMapWatch() {
  loop_->stop();
}

void ConfigMapWatch::start() {
  loop_->start();
}

void ConfigMapWatch::look_now() {
  loop_->look_now();
}

WatchStatus ConfigMapWatch::status() const {
  return loop_->status();
}

}  // namespace shim::kubernetes
