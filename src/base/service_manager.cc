#include "base/service_manager.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#include <cstdint>

namespace shim {

void notify_service_manager(const std::string& state) {
  sd_notify(0, state.c_str());
}

void notify_reloading() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  const std::int64_t microseconds = std::int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1000;
  notify_service_manager(fmt::format("RELOADING=1\nMONOTONIC_USEC={}", microseconds));
}

std::optional<std::chrono::microseconds> watchdog_interval() {
  std::uint64_t microseconds = 0;
  if (sd_watchdog_enabled(0, &microseconds) <= 0 || microseconds == 0) return std::nullopt;
  return std::chrono::microseconds(microseconds / 2);
}

Expected<std::optional<int>> passed_socket() {
  const int count = sd_listen_fds(1);
  if (count <= 0) return std::nullopt;
  if (count > 1)
    return fail(fmt::format("systemd passed {} sockets: the socket unit must have one ListenStream", count));
  if (sd_is_socket_unix(SD_LISTEN_FDS_START, SOCK_STREAM, 1, nullptr, 0) <= 0) {
    return fail("the socket that systemd passed is not a listening unix stream socket: see ListenStream");
  }
  return SD_LISTEN_FDS_START;
}

}  // namespace shim
