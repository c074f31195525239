// The running shim: its parts, in the order in which they depend on each other.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/byte_budget.h"
#include "base/log.h"
#include "base/snapshot.h"
#include "base/worker_pool.h"
#include "commands/admin_socket.h"
#include "commands/config_map_feed.h"
#include "commands/http_endpoint.h"
#include "commands/initial_configuration.h"
#include "commands/live_configuration.h"
#include "commands/runtime_health.h"
#include "config/config.h"
#include "cri/call_statistics.h"
#include "cri/decision_log.h"
#include "cri/image_calls.h"
#include "cri/name_keeper.h"
#include "cri/name_store.h"
#include "http/client.h"
#include "http2/flush_queue.h"
#include "observe/health.h"
#include "observe/metrics.h"
#include "observe/status.h"
#include "proxy/deadline_queue.h"
#include "proxy/dialects.h"
#include "proxy/runtime_check.h"
#include "proxy/server.h"
#include "proxy/tunnel.h"
#include "registry/resolver.h"

namespace shim::commands {

LogOptions log_options(const config::Config& config);

class Daemon {
 public:
  explicit Daemon(InitialConfiguration initial);
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  // Serves until a signal ends it; the exit code.
  int run();

 private:
  void open_admin_socket();
  void open_http_endpoint();
  boost::asio::awaitable<void> main();
  boost::asio::awaitable<void> wait_for_runtime();
  Expected<http2::UnixListener> listen();
  void announce_readiness();

  boost::asio::awaitable<void> watch_signals();
  boost::asio::awaitable<void> stop();
  boost::asio::awaitable<void> feed_watchdog();
  boost::asio::awaitable<void> log_statistics();
  void check_credentials();

  // Calls in flight finish on what they began with.
  void use(std::shared_ptr<const config::Config> next);
  void reload();

  proxy::RuntimeQuestion runtime_question();
  boost::asio::awaitable<std::vector<observe::Condition>> find_conditions();
  boost::asio::awaitable<observe::Readings> take_readings();
  boost::asio::awaitable<observe::Status> find_status();
  observe::Status known_status() const;

  const std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
  std::shared_ptr<const config::Config> config_;  // in use
  cri::CallStatistics calls_;                     // outlives the calls that end with io_
  boost::asio::io_context io_{1};                 // one thread: no locks on the call path
  boost::asio::signal_set signals_{io_};
  http2::FlushQueue flush_queue_{io_};
  proxy::DeadlineQueue deadlines_{io_};
  ByteBudget message_budget_;
  proxy::Dialects dialects_;
  WorkerPool workers_;
  http::Client http_;
  std::shared_ptr<cri::NameStore> names_ = std::make_shared<cri::NameStore>();
  cri::NameKeeper name_keeper_;
  std::shared_ptr<cri::DecisionLog> decisions_ = std::make_shared<cri::DecisionLog>();
  std::shared_ptr<const registry::Resolver> resolver_;
  Snapshot<cri::ImageCalls> image_calls_;
  proxy::TunnelContext context_;
  RuntimeHealth runtime_health_;
  LiveConfiguration live_;
  ConfigMapFeed config_map_;
  boost::asio::steady_timer statistics_due_{io_};  // cancelled when their interval changes
  std::unique_ptr<AdminSocket> admin_;             // null where it could not be opened
  std::optional<HttpEndpoint> http_endpoint_;      // once it runs
  std::optional<proxy::Server> server_;            // once it listens
  bool is_serving_ = false;                        // not while it waits for the runtime, nor while it drains
  int exit_code_ = 0;
};

}  // namespace shim::commands
