// `GET /metrics`: what the parts of the shim have counted, in Prometheus' text format (docs/metrics.md has each one).
//
// Read and written at the time of a scrape: between two of them nothing here costs anything. No image name is in it,
// and no more series than configured registries, methods of CRI and codes of gRPC allow.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "cri/call_statistics.h"
#include "kubernetes/config_map_watch.h"
#include "observe/router.h"
#include "registry/statistics.h"

namespace shim::observe {

struct Readings {
  struct Configuration {
    std::uint64_t accepted = 0;
    std::uint64_t rejected = 0;
    std::chrono::system_clock::time_point last_accepted{};
    bool file_is_rejected = false;
    bool config_map_is_rejected = false;
  };

  std::string version;  // of the shim
  bool runtime_is_up = false;
  std::string runtime_name{};  // as it says; empty where it does not, here and below
  std::string runtime_version{};
  const cri::CallStatistics& calls;
  std::size_t client_connections = 0;
  std::size_t calls_in_flight = 0;
  registry::Statistics registries{};
  std::size_t cache_capacity = 0;    // references
  std::size_t names_remembered = 0;  // of images
  Configuration configuration{};
  std::optional<kubernetes::WatchStatus> config_map{};  // nothing: it is not followed
  std::uint64_t log_lines_dropped = 0;
};

// Asked for each scrape; ends soon.
using TakeReadings = std::function<boost::asio::awaitable<Readings>()>;

// Process metrics are added to what was read.
std::string metrics_text(const Readings& readings);

Handler metrics_endpoint(TakeReadings take);

}  // namespace shim::observe
