// The configuration of a running daemon: follows the file and what is told of the ConfigMap, and publishes each new
// whole (DESIGN 6, Reload).
//
// One look at the file at a time, on a worker; whatever asks for one meanwhile causes one more. What a look finds is
// decided by config/reload.h. An empty or invalid file is believed when it has been so for a while: an editor may be
// in the middle of writing it. What a ConfigMap sets has effect first and is written into the file then. On the I/O
// thread; no disk and no API server holds anything up.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/worker_pool.h"
#include "commands/initial_configuration.h"
#include "config/config.h"
#include "config/environment.h"
#include "config/file_watch.h"
#include "config/origins.h"
#include "kubernetes/config_map_watch.h"

namespace shim::commands {

class LiveConfiguration {
 public:
  struct Options {
    std::chrono::milliseconds settling{500};  // until an empty or invalid file is believed
    std::chrono::milliseconds recheck{50};    // between two looks at one
    config::FileWatch::Options watch{};
    config::Environment environment = config::process_environment();
  };
  // What became of the texts that were looked at, the first one included.
  struct Counts {
    std::uint64_t accepted = 0;
    std::uint64_t rejected = 0;  // of the file or the ConfigMap
    std::chrono::system_clock::time_point last_accepted{};
    bool file_is_rejected = false;        // what it holds now
    bool config_map_is_rejected = false;  // what it says now
  };
  // A new whole is to be used from now on. Called on the I/O thread.
  using Publish = std::function<void(std::shared_ptr<const config::Config>)>;

  // `workers` must outlive it.
  LiveConfiguration(boost::asio::any_io_executor executor, WorkerPool& workers, InitialConfiguration initial,
                    Publish publish, Options options);
  LiveConfiguration(const LiveConfiguration&) = delete;
  LiveConfiguration& operator=(const LiveConfiguration&) = delete;
  // Nothing is published any more. On the thread of the executor, while that runs.
  ~LiveConfiguration();

  void start();
  // Looks at the file now (SIGHUP), and tells what is wrong with it even if that was told before. `done` is called when
  // what the file holds has effect, or was refused.
  void reload(std::function<void()> done);
  // What is known of the ConfigMap has changed.
  void see(const kubernetes::Sight& sight);
  // There is no ConfigMap any more that could have effect (`configMap.enabled: false`).
  void disregard_config_map();

  // Why the configuration in use is not what the file says; empty: it is.
  const std::string& problem() const;
  Counts counts() const;
  // What is in use, and what it was made of: for `config show`.
  config::InUse in_use() const;

 private:
  struct State;

  static boost::asio::awaitable<void> follow(std::shared_ptr<State> state);

  std::shared_ptr<State> state_;
};

}  // namespace shim::commands
