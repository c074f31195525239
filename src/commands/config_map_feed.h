// Where the sights of the ConfigMap come from: a watch that is started, restarted and stopped as `configMap` says.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <functional>
#include <optional>

#include "base/worker_pool.h"
#include "config/config.h"
#include "http/client.h"
#include "kubernetes/config_map_watch.h"

namespace shim::commands {

class ConfigMapFeed {
 public:
  struct Listener {
    std::function<void(const kubernetes::Sight& sight)> on_sight;
    std::function<void()> on_disabled;  // there will be none from now on
  };

  // `http` and `workers` must outlive the executor's run.
  ConfigMapFeed(boost::asio::any_io_executor executor, http::Client& http, WorkerPool& workers, Listener listener);
  ConfigMapFeed(const ConfigMapFeed&) = delete;
  ConfigMapFeed& operator=(const ConfigMapFeed&) = delete;

  // Follows what this configuration says; what it has in common with the one before goes on undisturbed.
  void configure(const config::Config& config);
  // Reads it now (SIGHUP).
  void look_now();
  // Nothing where `configMap.enabled` is false.
  std::optional<kubernetes::WatchStatus> status() const;

 private:
  struct Settings {
    config::ConfigMap config_map;
    std::chrono::nanoseconds poll_interval;
    friend bool operator==(const Settings&, const Settings&) = default;
  };

  const boost::asio::any_io_executor executor_;
  http::Client& http_;
  WorkerPool& workers_;
  const Listener listener_;
  std::optional<Settings> settings_;
  std::optional<kubernetes::ConfigMapWatch> watch_;
};

}  // namespace shim::commands
