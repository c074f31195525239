#include "credentials/cached_file.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <system_error>

#include "base/text.h"

namespace shim::credentials {
namespace {

constexpr std::int64_t kTrustedAfter = 100'000'000;  // nanoseconds: many ticks, also of a file server's clock

std::int64_t nanoseconds(const timespec& time) {
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

}  // namespace

Expected<std::optional<FileStamp>> stamp_of(const std::string& path) {
  struct stat found{};
  if (::stat(path.c_str(), &found) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
    return fail(fmt::format("cannot read {}: {}", printable(path, 512), std::generic_category().message(errno)));
  }
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  const std::int64_t changed = nanoseconds(found.st_ctim);
  return FileStamp{.device = found.st_dev,
                   .inode = found.st_ino,
                   .size = found.st_size,
                   .modified = nanoseconds(found.st_mtim),
                   .changed = changed,
                   .is_fresh = nanoseconds(now) < changed + kTrustedAfter};
}

}  // namespace shim::credentials
