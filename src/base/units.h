// Durations and sizes as operators write them, and durations as Go prints them (log lines that users grep for).
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"

namespace shim {

// `15m`, `1m30s`, `500ms`, `1.5h`, `0`: Go's time.ParseDuration for non-negative values (ns us µs ms s m h).
Expected<std::chrono::nanoseconds> parse_duration(std::string_view text);
// As Go's Duration.String(): `20m0s`, `1h0m0s`, `150ms`, `2s`, `0s`.
std::string format_duration(std::chrono::nanoseconds duration);
// `16Mi`, `64Ki`, `1.5Gi`, `10M`, `4096`: bytes, Kubernetes quantity suffixes; a fraction of a byte is dropped.
Expected<std::uint64_t> parse_size(std::string_view text);
// The shortest exact form with a binary suffix: `16Mi`, `1536Ki`, `1000`.
std::string format_size(std::uint64_t bytes);

}  // namespace shim
