// Kubernetes' points in time as text: RFC 3339. Pure.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace shim::kubernetes {

// `2026-07-01T12:00:00Z`, `2026-07-01T14:00:00.5+02:00`; a fraction of a second is dropped. Nothing for anything else.
std::optional<std::chrono::sys_seconds> parse_timestamp(std::string_view text);

}  // namespace shim::kubernetes
