// systemd, where it started us: readiness, status, the watchdog, and sockets that it listens on for us.
//
// Each call does nothing where there is no service manager (`NOTIFY_SOCKET`, `LISTEN_FDS` unset).
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "base/error.h"

namespace shim {

// sd_notify(3): `READY=1`, `STOPPING=1`, `STATUS=…`.
void notify_service_manager(const std::string& state);

// `RELOADING=1` with its time (`Type=notify-reload`); READY=1 is to follow.
void notify_reloading();

// How often `WATCHDOG=1` is due: half of `WATCHDOG_USEC`. Nothing where no watchdog watches.
std::optional<std::chrono::microseconds> watchdog_interval();

// The one listening unix stream socket that was passed, if any. Errors: more than one, or of another kind.
Expected<std::optional<int>> passed_socket();

}  // namespace shim
