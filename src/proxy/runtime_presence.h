// Whether the container runtime is there, as all connections together see it: what the log says when that changes.
// A state machine without clock or I/O.
#pragma once

#include <spdlog/common.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "proxy/runtime_link.h"

namespace shim::proxy {

class RuntimePresence {
 public:
  using Clock = std::chrono::steady_clock;

  struct Line {
    spdlog::level::level_enum level;
    std::string text;
  };

  // What to log of it, if it is news. `why` is RuntimeLink's.
  std::optional<Line> note(RuntimeLink::Event event, std::string_view socket_path, std::string_view why,
                           Clock::time_point now);

 private:
  std::optional<Clock::time_point> away_since_;
  bool is_unreachable_ = false;
};

}  // namespace shim::proxy
