#include "proxy/runtime_presence.h"

#include <fmt/format.h>

#include <utility>

#include "base/units.h"

namespace shim::proxy {

std::optional<RuntimePresence::Line> RuntimePresence::note(RuntimeLink::Event event, std::string_view socket_path,
                                                           std::string_view why, Clock::time_point now) {
  switch (event) {
    case RuntimeLink::Event::connected: {
      const auto since = std::exchange(away_since_, std::nullopt);
      is_unreachable_ = false;
      if (!since) return std::nullopt;
      const auto away = std::chrono::round<std::chrono::milliseconds>(now - *since);
      return Line{spdlog::level::info, fmt::format("the container runtime at {} is connected again after {}",
                                                   socket_path, format_duration(away))};
    }
    case RuntimeLink::Event::lost:
      if (away_since_) return std::nullopt;
      away_since_ = now;
      return Line{spdlog::level::warn,
                  fmt::format("the container runtime at {} ended its connection ({}): calls in flight have failed, the "
                              "next call connects again",
                              socket_path, why)};
    case RuntimeLink::Event::unreachable:
      if (std::exchange(is_unreachable_, true)) return std::nullopt;
      if (!away_since_) away_since_ = now;
      return Line{spdlog::level::err, fmt::format("{}; all calls fail until it is", why)};
    case RuntimeLink::Event::left:
      break;
  }
  return std::nullopt;
}

}  // namespace shim::proxy
