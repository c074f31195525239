#include "commands/daemon.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/host_name.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <csignal>
#include <utility>

#include "base/service_manager.h"
#include "base/text.h"
#include "base/units.h"
#include "commands/configuration.h"
#include "observe/config_endpoint.h"
#include "observe/resolve_endpoint.h"
#include "observe/status_endpoint.h"

namespace shim::commands {
namespace {

using namespace std::chrono_literals;
constexpr auto kAwaiting = boost::asio::as_tuple(boost::asio::use_awaitable);

constexpr std::size_t kBufferedMessages = 64 * 1024 * 1024;  // octets, of all image calls together
constexpr std::size_t kWorkers = 8;                          // for files, and programs that know credentials
constexpr auto kRuntimePoll = 200ms;
constexpr auto kRuntimePatience = 2s;  // for one answer
constexpr auto kRuntimeReminder = 10s;
constexpr auto kDiskPatience = 2s;    // a disk that hangs holds up neither start nor end for longer
constexpr auto kHealthPatience = 1s;  // for the runtime's answer, where somebody asks whether it is there
constexpr auto kHealthAge = 1s;       // of that answer: a scraper in a hurry does not bother the runtime
constexpr auto kAdminPatience = 62s;  // for an answer on the admin socket: the longest `probe.timeout`, and some more

// Services start with a soft limit of 1024 files, and a client takes two: its own connection and the runtime's.
void raise_open_files() {
  constexpr rlim_t kWanted = 65536;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= kWanted) return;
  limit.rlim_cur = std::min(kWanted, limit.rlim_max);
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

std::optional<proxy::Dialect> pinned_dialect(config::CriVersion version) {
  switch (version) {
    case config::CriVersion::v1:
      return proxy::Dialect::v1;
    case config::CriVersion::v1alpha2:
      return proxy::Dialect::v1alpha2;
    case config::CriVersion::automatic:
      break;
  }
  return std::nullopt;
}

std::shared_ptr<const cri::ImageCalls> make_image_calls(const config::Config& config,
                                                        std::shared_ptr<const registry::Resolver> resolver,
                                                        std::shared_ptr<cri::NameStore> names,
                                                        std::shared_ptr<cri::DecisionLog> decisions) {
  return std::make_shared<cri::ImageCalls>(
      std::move(resolver), std::move(names), std::move(decisions),
      cri::ImageCalls::Options{config.timeout, config.max_message_size, config.restore_names});
}

// Read where a dead file server holds up nobody.
boost::asio::awaitable<void> log_credential_problems(WorkerPool& workers, credentials::Keychain::Options options) {
  auto work = [options = std::move(options)] { return credentials::problems_of(options); };
  const std::vector<std::string> problems = co_await workers.run(std::move(work));
  for (const std::string& problem : problems) spdlog::warn("credentials: {}", problem);
}

boost::asio::awaitable<RuntimeHealth::Answer> ask_runtime(proxy::RuntimeQuestion question) {
  co_return co_await proxy::check_runtime(question, kHealthPatience);
}

// How often statistics are told; nothing: never.
std::optional<std::chrono::steady_clock::duration> statistics_interval(const config::Cache& cache) {
  if (cache.disable_stats || cache.stats_log_interval == 0ns) return std::nullopt;
  return std::chrono::duration_cast<std::chrono::steady_clock::duration>(cache.stats_log_interval);
}

}  // namespace

LogOptions log_options(const config::Config& config) {
  return {.format = config.log.format == config::LogFormat::json ? LogFormat::json : LogFormat::text,
          .debug = config.debug};
}

Daemon::Daemon(InitialConfiguration initial)
    : config_(std::make_shared<const config::Config>(initial.config)),
      message_budget_(kBufferedMessages),
      dialects_(io_, pinned_dialect(config_->version)),
      workers_(kWorkers),
      http_(io_.get_executor()),
      name_keeper_(io_.get_executor(), names_, cri::state_directory(config_->image), {}),
      resolver_(make_resolver(*config_, http_, workers_, io_.get_executor())),
      image_calls_(make_image_calls(*config_, resolver_, names_, decisions_)),
      context_{io_,          flush_queue_, deadlines_, message_budget_,          dialects_, calls_,
               image_calls_, config_->cri, {},         config_->max_message_size},
      runtime_health_([this] { return ask_runtime(runtime_question()); }),
      live_(io_.get_executor(), workers_, std::move(initial),
            [this](std::shared_ptr<const config::Config> next) { use(std::move(next)); }, {}),
      config_map_(io_.get_executor(), http_, workers_,
                  {.on_sight = [this](const kubernetes::Sight& sight) { live_.see(sight); },
                   .on_disabled = [this] { live_.disregard_config_map(); }}) {}

int Daemon::run() {
  raise_open_files();
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);  // a write beyond the limit on file sizes is an error of that write
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) signals_.add(number);
  boost::asio::co_spawn(io_, watch_signals(), boost::asio::detached);
  boost::asio::co_spawn(io_, feed_watchdog(), boost::asio::detached);
  boost::asio::co_spawn(io_, log_statistics(), boost::asio::detached);
  boost::asio::co_spawn(io_, main(), boost::asio::detached);
  check_credentials();
  live_.start();
  config_map_.configure(*config_);
  io_.run();
  server_.reset();
  return exit_code_;
}

// Not worth a pod: without it the shim serves all the same.
void Daemon::open_admin_socket() {
  observe::Router router;
  router.add("/resolve",
             observe::resolve_endpoint([this](const image::Reference& reference, std::string pod_namespace) {
               return resolver_->explain(reference, {.pod_namespace = std::move(pod_namespace)});
             }));
  router.add("/config", observe::config_endpoint(workers_, [this] { return live_.in_use(); }));
  router.add("/status", observe::status_endpoint(workers_, [this] { return find_status(); }));
  router.add("/",
             observe::page_endpoint(workers_, [this] { return find_status(); }, [this] { return live_.in_use(); }));
  router.add("/livez", observe::livez_endpoint());
  router.add("/readyz", observe::readyz_endpoint([this] { return find_conditions(); }));
  router.add("/metrics", observe::metrics_endpoint([this] { return take_readings(); }));
  auto opened = AdminSocket::open(io_, config_->admin, std::move(router), kAdminPatience);
  if (opened) {
    admin_ = std::move(*opened);
  } else {
    spdlog::error("no admin socket, so this shim cannot be asked by `status`, `resolve` and `config show`: {}",
                  opened.error().message);
  }
}

// What everybody may know who can reach it.
void Daemon::open_http_endpoint() {
  observe::Router router;
  router.add("/",
             observe::page_endpoint(workers_, [this] { return find_status(); }, [this] { return live_.in_use(); }));
  router.add("/livez", observe::livez_endpoint());
  router.add("/readyz", observe::readyz_endpoint([this] { return find_conditions(); }));
  router.add("/metrics", observe::metrics_endpoint([this] { return take_readings(); }));
  http_endpoint_.emplace(io_, std::move(router), HttpEndpoint::Options{});
  http_endpoint_->configure(config_->http.address);
}

boost::asio::awaitable<void> Daemon::main() {
  open_admin_socket();
  open_http_endpoint();
  co_await wait_for_runtime();
  co_await name_keeper_.loaded(kDiskPatience);
  auto listener = listen();
  if (!listener) {
    spdlog::error("{}", listener.error().message);
    exit_code_ = 1;
    co_return io_.stop();
  }
  server_.emplace(context_, std::move(*listener), proxy::Server::Options{});
  server_->start();
  is_serving_ = true;
  announce_readiness();
  spdlog::info("serving on {}, runtime at {}", config_->shim, config_->cri);
}

void Daemon::announce_readiness() {
  std::string status = "serving on " + config_->shim;
  if (!live_.problem().empty()) status += " with the last good configuration: " + printable(live_.problem(), 256);
  notify_service_manager("READY=1\nSTATUS=" + status);
}

boost::asio::awaitable<void> Daemon::wait_for_runtime() {
  auto next_reminder = std::chrono::steady_clock::now();
  const proxy::RuntimeQuestion question = runtime_question();
  while (!config_->force) {
    const auto answer = co_await proxy::check_runtime(question, kRuntimePatience);
    if (answer) co_return;
    if (std::chrono::steady_clock::now() >= next_reminder) {
      spdlog::info("waiting for the container runtime before listening (force: false): {}", answer.error().message);
      notify_service_manager("STATUS=waiting for the container runtime at " + config_->cri);
      next_reminder = std::chrono::steady_clock::now() + kRuntimeReminder;
    }
    boost::asio::steady_timer pause(io_, kRuntimePoll);
    co_await pause.async_wait(kAwaiting);
  }
}

Expected<http2::UnixListener> Daemon::listen() {
  const auto passed = passed_socket();
  if (!passed) return std::unexpected(passed.error());
  if (*passed) return http2::UnixListener::adopt(io_, **passed);
  auto listener = http2::UnixListener::bind(io_, config_->shim, http2::access_of(config_->cri));
  if (listener && listener->is_at(config_->cri)) {
    return fail(
        fmt::format("shim {} and cri {} are one socket: the shim would call itself", config_->shim, config_->cri));
  }
  return listener;
}

boost::asio::awaitable<void> Daemon::watch_signals() {
  for (;;) {
    const auto [error, number] = co_await signals_.async_wait(kAwaiting);
    if (error) co_return;
    if (number != SIGHUP) co_return co_await stop();
    reload();
  }
}

boost::asio::awaitable<void> Daemon::stop() {
  spdlog::info("stopping: calls in flight have {} to end", format_duration(config_->drain_timeout));
  notify_service_manager("STOPPING=1\nSTATUS=draining");
  is_serving_ = false;
  if (server_) co_await server_->drain(config_->drain_timeout);
  co_await name_keeper_.flush(kDiskPatience);
  spdlog::info("stopped");
  io_.stop();
}

// Said again only where something has happened.
boost::asio::awaitable<void> Daemon::log_statistics() {
  std::string last = registry::summary_line({});
  for (;;) {
    using Clock = std::chrono::steady_clock;
    const auto interval = statistics_interval(config_->cache);
    statistics_due_.expires_at(interval ? Clock::now() + *interval : Clock::time_point::max());
    const auto [has_changed] = co_await statistics_due_.async_wait(kAwaiting);
    if (has_changed || !resolver_->has_entries()) continue;
    const registry::Statistics statistics = resolver_->statistics();
    const std::string summary = registry::summary_line(statistics);
    if (summary == last) continue;
    last = summary;
    spdlog::info("{}", summary);
    for (const std::string& line : registry::registry_lines(statistics)) spdlog::debug("{}", line);
  }
}

void Daemon::check_credentials() {
  if (config_->credentials == config::Credentials()) return;
  boost::asio::co_spawn(io_, log_credential_problems(workers_, keychain_options(*config_)), boost::asio::detached);
}

boost::asio::awaitable<void> Daemon::feed_watchdog() {
  const auto interval = watchdog_interval();
  if (!interval) co_return;
  boost::asio::steady_timer timer(io_);
  for (;;) {
    notify_service_manager("WATCHDOG=1");
    timer.expires_after(*interval);
    co_await timer.async_wait(kAwaiting);
  }
}

// ── While it runs ──────────────────────────────────────────────────────────────────────────────────────────────────

void Daemon::use(std::shared_ptr<const config::Config> next) {
  const auto former = std::exchange(config_, std::move(next));
  const LogOptions log = log_options(*config_);
  set_log_debug(log.debug);
  set_log_format(log.format);
  dialects_.pin(pinned_dialect(config_->version));
  context_.max_message = config_->max_message_size;
  if (!resolve_alike(*former, *config_)) {
    resolver_ = make_resolver(*config_, http_, workers_, io_.get_executor(), resolver_.get());
  }
  image_calls_.publish(make_image_calls(*config_, resolver_, names_, decisions_));
  if (statistics_interval(former->cache) != statistics_interval(config_->cache)) statistics_due_.cancel();
  if (former->credentials != config_->credentials) check_credentials();
  if (http_endpoint_) http_endpoint_->configure(config_->http.address);
  config_map_.configure(*config_);
}

void Daemon::reload() {
  spdlog::info("SIGHUP: reading the configuration");
  // Before it serves, the service manager waits for its start, and READY=1 would end that.
  if (server_) notify_reloading();
  live_.reload([this] {
    if (server_) announce_readiness();
  });
  config_map_.look_now();
}

proxy::RuntimeQuestion Daemon::runtime_question() {
  return {io_, flush_queue_, deadlines_, message_budget_, config_->cri, config_->max_message_size};
}

boost::asio::awaitable<std::vector<observe::Condition>> Daemon::find_conditions() {
  using Kind = observe::Condition::Kind;
  observe::Condition configuration{"configuration", Kind::good, live_.problem()};
  if (!configuration.reason.empty()) configuration.kind = Kind::degraded;
  observe::Condition runtime{"runtime", Kind::good, ""};
  if (const auto answer = co_await runtime_health_.find(0s); !answer) {
    runtime.kind = Kind::failed;
    runtime.reason = answer.error().message;
  }
  co_return std::vector<observe::Condition>{runtime, configuration};
}

boost::asio::awaitable<observe::Readings> Daemon::take_readings() {
  const auto runtime = co_await runtime_health_.find(kHealthAge);
  const LiveConfiguration::Counts counts = live_.counts();
  observe::Readings readings{.version = ICS_VERSION, .calls = calls_};
  readings.runtime_is_up = runtime.has_value();
  if (runtime) {
    readings.runtime_name = runtime->name;
    readings.runtime_version = runtime->version;
  }
  if (server_) {
    readings.client_connections = server_->connections();
    readings.calls_in_flight = server_->calls_in_flight();
  }
  readings.registries = resolver_->statistics();
  readings.cache_capacity = static_cast<std::size_t>(config_->cache.image_cache_size);
  readings.names_remembered = names_->size();
  readings.configuration = {.accepted = counts.accepted,
                            .rejected = counts.rejected,
                            .last_accepted = counts.last_accepted,
                            .file_is_rejected = counts.file_is_rejected,
                            .config_map_is_rejected = counts.config_map_is_rejected};
  readings.config_map = config_map_.status();
  readings.log_lines_dropped = log_lines_dropped();
  co_return readings;
}

observe::Status Daemon::known_status() const {
  const registry::Statistics statistics = resolver_->statistics();
  const auto now = std::chrono::steady_clock::now();
  observe::Status status;
  status.time = std::chrono::system_clock::now();
  status.shim = {.node = boost::asio::ip::host_name(),
                 .version = ICS_VERSION,
                 .pid = ::getpid(),
                 .uptime = std::chrono::floor<std::chrono::milliseconds>(now - started_),
                 .socket = config_->shim,
                 .is_serving = is_serving_};
  status.runtime.socket = config_->cri;
  status.registries = observe::registries_of(resolver_->entries(), statistics, now);
  status.original = {.is_denied = config_->fallback == config::Fallback::deny,
                     .pulls_succeeded = statistics.original.pulls_succeeded,
                     .pulls_failed = statistics.original.pulls_failed};
  status.cache = {.references = statistics.cache.references,
                  .capacity = static_cast<std::uint64_t>(config_->cache.image_cache_size),
                  .hits = statistics.cache.hits,
                  .misses = statistics.cache.misses,
                  .evictions = statistics.cache.evictions};
  status.names_remembered = names_->size();
  status.decisions = decisions_->decisions();
  const config::ConfigMap& map = config_->config_map;
  status.configuration = {.file = live_.file(),
                          .used_since = live_.in_use_since(),
                          .problem = live_.problem(),
                          .config_map = observe::config_map_of(map.name_space + "/" + map.name, config_map_.status(),
                                                               live_.config_map_problem())};
  return status;
}

boost::asio::awaitable<observe::Status> Daemon::find_status() {
  const proxy::RuntimeQuestion question = runtime_question();
  const auto answer = co_await proxy::check_runtime(question, kHealthPatience);
  observe::Status status = known_status();
  if (answer) {
    status.runtime.name = answer->name;
    status.runtime.version = answer->version;
    status.runtime.cri_version = answer->api_version;
  } else {
    status.runtime.problem = answer.error().message;
  }
  co_return status;
}

}  // namespace shim::commands
