#include "commands/daemon.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <csignal>
#include <utility>

#include "base/service_manager.h"
#include "base/units.h"
#include "commands/configuration.h"
#include "observe/resolve_endpoint.h"
#include "proxy/runtime_check.h"

namespace shim::commands {
namespace {

using namespace std::chrono_literals;
constexpr auto kAwaiting = boost::asio::as_tuple(boost::asio::use_awaitable);

constexpr std::size_t kBufferedMessages = 64 * 1024 * 1024;  // octets, of all image calls together
constexpr std::size_t kWorkers = 8;                          // for files, and programs that know credentials
constexpr auto kRuntimePoll = 200ms;
constexpr auto kRuntimePatience = 2s;  // for one answer
constexpr auto kRuntimeReminder = 10s;
constexpr auto kDiskPatience = 2s;  // a disk that hangs holds up neither start nor end for longer
constexpr auto kAdminPatience = 2s;  // for an answer on the admin socket, beyond the time for its probes

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

std::shared_ptr<const registry::Resolver> make_resolver(const config::Config& config, http::Client& http,
                                                        WorkerPool& workers, boost::asio::any_io_executor executor) {
  registry::ResolverOptions options = resolver_options(config);
  options.keychain = std::make_shared<credentials::Keychain>(workers, keychain_options(config));
  return std::make_shared<registry::Resolver>(registry_entries(config), std::move(options), http, std::move(executor));
}

std::shared_ptr<const cri::ImageCalls> make_image_calls(const config::Config& config,
                                                        std::shared_ptr<const registry::Resolver> resolver,
                                                        std::shared_ptr<cri::NameStore> names) {
  return std::make_shared<cri::ImageCalls>(
      std::move(resolver), std::move(names),
      cri::ImageCalls::Options{config.timeout, config.max_message_size, config.restore_names});
}

}  // namespace

Daemon::Daemon(const config::Config& config)
    : config_(config),
      message_budget_(kBufferedMessages),
      dialects_(io_, pinned_dialect(config.version)),
      workers_(kWorkers),
      http_(io_.get_executor()),
      name_keeper_(io_.get_executor(), names_, cri::state_directory(config_.image), {}),
      resolver_(make_resolver(config, http_, workers_, io_.get_executor())),
      image_calls_(make_image_calls(config, resolver_, names_)),
      context_{io_,          flush_queue_, deadlines_, message_budget_,        dialects_,
               image_calls_, config.cri,   {},         config.max_message_size} {}

int Daemon::run() {
  raise_open_files();
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);  // a write beyond the limit on file sizes is an error of that write
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) signals_.add(number);
  boost::asio::co_spawn(io_, watch_signals(), boost::asio::detached);
  boost::asio::co_spawn(io_, feed_watchdog(), boost::asio::detached);
  boost::asio::co_spawn(io_, log_statistics(), boost::asio::detached);
  boost::asio::co_spawn(io_, main(), boost::asio::detached);
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
  const auto handling_time = std::chrono::ceil<std::chrono::milliseconds>(config_.probe.timeout) + kAdminPatience;
  auto opened = AdminSocket::open(io_, config_.admin, std::move(router), handling_time);
  if (opened) {
    admin_ = std::move(*opened);
  } else {
    spdlog::error("no admin socket, so this shim cannot be asked by `resolve`: {}", opened.error().message);
  }
}

boost::asio::awaitable<void> Daemon::main() {
  open_admin_socket();
  if (!config_.force) co_await wait_for_runtime();
  co_await name_keeper_.loaded(kDiskPatience);
  auto listener = listen();
  if (!listener) {
    spdlog::error("{}", listener.error().message);
    exit_code_ = 1;
    co_return io_.stop();
  }
  server_.emplace(context_, std::move(*listener), proxy::Server::Options{.drain_timeout = config_.drain_timeout});
  server_->start();
  notify_service_manager("READY=1\nSTATUS=serving on " + config_.shim);
  spdlog::info("serving on {}, runtime at {}", config_.shim, config_.cri);
}

boost::asio::awaitable<void> Daemon::wait_for_runtime() {
  auto next_reminder = std::chrono::steady_clock::now();
  const proxy::RuntimeQuestion question{
      io_, flush_queue_, deadlines_, message_budget_, config_.cri, config_.max_message_size};
  for (;;) {
    const auto answer = co_await proxy::check_runtime(question, kRuntimePatience);
    if (answer) co_return;
    if (std::chrono::steady_clock::now() >= next_reminder) {
      spdlog::info("waiting for the container runtime before listening (force: false): {}", answer.error().message);
      notify_service_manager("STATUS=waiting for the container runtime at " + config_.cri);
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
  auto listener = http2::UnixListener::bind(io_, config_.shim, http2::access_of(config_.cri));
  if (listener && listener->is_at(config_.cri)) {
    return fail(
        fmt::format("shim {} and cri {} are one socket: the shim would call itself", config_.shim, config_.cri));
  }
  return listener;
}

boost::asio::awaitable<void> Daemon::watch_signals() {
  for (;;) {
    const auto [error, number] = co_await signals_.async_wait(kAwaiting);
    if (error) co_return;
    if (number != SIGHUP) break;
    spdlog::info("SIGHUP: this version reads its configuration at start only; restart to apply a change");
  }
  spdlog::info("stopping: calls in flight have {} to end", format_duration(config_.drain_timeout));
  notify_service_manager("STOPPING=1\nSTATUS=draining");
  if (server_) co_await server_->drain();
  co_await name_keeper_.flush(kDiskPatience);
  spdlog::info("stopped");
  io_.stop();
}

// Said again only where something has happened.
boost::asio::awaitable<void> Daemon::log_statistics() {
  const auto interval = config_.cache.stats_log_interval;
  if (config_.cache.disable_stats || interval == 0ns || !resolver_->has_entries()) co_return;
  std::string last = registry::summary_line({});
  boost::asio::steady_timer timer(io_);
  for (;;) {
    timer.expires_after(std::chrono::duration_cast<std::chrono::steady_clock::duration>(interval));
    const auto [error] = co_await timer.async_wait(kAwaiting);
    if (error) co_return;
    const registry::Statistics statistics = resolver_->statistics();
    const std::string summary = registry::summary_line(statistics);
    if (summary == last) continue;
    last = summary;
    spdlog::info("{}", summary);
    for (const std::string& line : registry::registry_lines(statistics)) spdlog::debug("{}", line);
  }
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

}  // namespace shim::commands
