#include "observe/process_usage.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <memory>
#include <string>

namespace shim::observe {
namespace {

// Fields of /proc/PID/stat, as proc(5) numbers them.
constexpr std::size_t kFirstBehindName = 3;
constexpr std::size_t kUserTime = 14;
constexpr std::size_t kSystemTime = 15;
constexpr std::size_t kStartTime = 22;
constexpr std::size_t kVirtualSize = 23;
constexpr std::size_t kResidentPages = 24;

constexpr std::size_t kMaxFile = 4096;  // octets

std::optional<std::string> read_file(const char* path) {
  const int descriptor = ::open(path, O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return std::nullopt;
  std::string text(kMaxFile, '\0');
  const ssize_t size = ::read(descriptor, text.data(), text.size());
  ::close(descriptor);
  if (size < 0) return std::nullopt;
  text.resize(static_cast<std::size_t>(size));
  return text;
}

std::optional<std::uint64_t> number_of(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::chrono::milliseconds time_of(std::uint64_t ticks, long ticks_per_second) {
  return std::chrono::milliseconds(ticks * 1000 / static_cast<std::uint64_t>(ticks_per_second));
}

std::chrono::milliseconds time_since_boot() {
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::seconds(now.tv_sec) +
                                                               std::chrono::nanoseconds(now.tv_nsec));
}

}  // namespace

std::optional<ProcessUsage> parse_process_stat(std::string_view text, long ticks_per_second, long page_size) {
  const std::size_t name_end = text.rfind(") ");  // a name may have spaces and brackets
  if (name_end == text.npos) return std::nullopt;
  text.remove_prefix(name_end + 2);
  std::array<std::uint64_t, kResidentPages + 1> fields{};
  for (std::size_t field = kFirstBehindName; field < fields.size(); ++field) {
    const std::size_t end = text.find(' ');
    if (end == text.npos) return std::nullopt;
    fields[field] = number_of(text.substr(0, end)).value_or(0);  // some are letters, or negative
    text.remove_prefix(end + 1);
  }
  return ProcessUsage{.cpu_time = time_of(fields[kUserTime] + fields[kSystemTime], ticks_per_second),
                      .virtual_memory = fields[kVirtualSize],
                      .resident_memory = fields[kResidentPages] * static_cast<std::uint64_t>(page_size),
                      .started_after_boot = time_of(fields[kStartTime], ticks_per_second)};
}

std::optional<ProcessUsage> process_usage() {
  const auto text = read_file("/proc/self/stat");
  if (!text) return std::nullopt;
  return parse_process_stat(*text, ::sysconf(_SC_CLK_TCK), ::sysconf(_SC_PAGESIZE));
}

std::optional<std::uint64_t> open_descriptors() {
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir("/proc/self/fd"), &::closedir);
  if (!folder) return std::nullopt;
  std::uint64_t count = 0;
  while (const dirent* entry = ::readdir(folder.get())) {
    if (entry->d_name[0] != '.') ++count;
  }
  return count - 1;  // without the one that this took
}

std::optional<std::uint64_t> max_descriptors() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return std::nullopt;
  return limit.rlim_cur;
}

std::chrono::system_clock::time_point start_time(const ProcessUsage& usage) {
  static const auto time = std::chrono::system_clock::now() - (time_since_boot() - usage.started_after_boot);
  return time;
}

}  // namespace shim::observe
