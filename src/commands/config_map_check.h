// Whether the ConfigMap can be read, and what it says is of use: asked as the daemon asks.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <optional>

#include "base/worker_pool.h"
#include "commands/finding.h"
#include "config/config.h"
#include "config/environment.h"
#include "http/client.h"
#include "kubernetes/config_map_watch.h"

namespace shim::commands {

// Nothing where the file does not want it (`configMap.enabled: false`). All that it is given must outlive it.
boost::asio::awaitable<Findings> check_config_map(const config::Config& config, http::Client& http, WorkerPool& workers,
                                                  std::chrono::steady_clock::time_point deadline);

// `sight`: nothing where there was no answer in time. With `enabled: auto` nothing fails but what it says itself. Pure.
Findings judge_sight(const config::ConfigMap& wanted, const std::optional<kubernetes::Sight>& sight,
                     const config::Environment& environment);

}  // namespace shim::commands
