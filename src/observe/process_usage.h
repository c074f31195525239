// What this process uses, from /proc/self: the kernel's memory, so that reading it never waits for a disk.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace shim::observe {

struct ProcessUsage {
  std::chrono::milliseconds cpu_time{0};  // user and system
  std::uint64_t virtual_memory = 0;       // octets
  std::uint64_t resident_memory = 0;      // octets
  std::chrono::milliseconds started_after_boot{0};
};

// Of the text of `/proc/PID/stat` (proc(5)); nothing where it is none.
std::optional<ProcessUsage> parse_process_stat(std::string_view text, long ticks_per_second, long page_size);

// Nothing where /proc is not mounted, here and below.
std::optional<ProcessUsage> process_usage();
std::optional<std::uint64_t> open_descriptors();
// Nothing where there is no limit, too.
std::optional<std::uint64_t> max_descriptors();
// When this process began, by the clock as it was set when this was asked first: it does not move with the clock.
std::chrono::system_clock::time_point start_time(const ProcessUsage& usage);

}  // namespace shim::observe
