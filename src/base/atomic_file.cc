#include "base/atomic_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>

#include "base/temporary_file.h"
#include "base/text.h"

namespace shim {
namespace {

std::string shown(const std::string& path) {
  return printable(path, 512);
}

std::unexpected<Error> failed(const FileFailure& failure, const std::string& path) {
  return fail(message_of(failure, path));
}

// `cannot <step> <path>: <errno text>`. REQUIRES: errno is that of the step.
std::unexpected<Error> failed(std::string_view step, const std::string& path) {
  return failed(failed_step(step).error(), path);
}

// The attributes of the regular file `path`; nothing where there is none.
Expected<std::optional<struct stat>> attributes_of(const std::string& path, std::string_view action) {
  struct stat attributes{};
  if (::stat(path.c_str(), &attributes) != 0) {
    if (errno == ENOENT) return std::nullopt;
    return failed(action, path);
  }
  if (!S_ISREG(attributes.st_mode)) {
    return fail(fmt::format("cannot {} {}: it is {}, not a file", action, shown(path), kind_of(attributes.st_mode)));
  }
  return attributes;
}

}  // namespace

Expected<void> replace_file(const std::string& path, std::string_view content, mode_t mode_if_new) {
  const auto target = link_target(path);
  if (!target) return failed(target.error(), path);
  const auto old = attributes_of(*target, "write");
  if (!old) return std::unexpected(old.error());

  const std::string folder = folder_of(*target);
  TemporaryFile temporary(folder, ".image-cri-shim.");
  if (!temporary.is_open()) return failed("create a temporary file for", *target);
  if (*old) {
    if (auto copied = copy_attributes(*target, **old, temporary.fd()); !copied) return failed(copied.error(), *target);
  } else if (::fchmod(temporary.fd(), mode_if_new) != 0) {
    return failed("keep the mode of", *target);
  }
  if (!temporary.write(content)) return failed("write", *target);
  if (!temporary.rename_to(*target)) return failed("replace", *target);
  // From here on the new content is what every reader sees: no reason to tell the caller that nothing was written.
  sync_folder(folder);
  return {};
}

Expected<std::string> read_file(const std::string& path, std::size_t max_bytes) {
  const auto too_large = [&] {
    return fail(fmt::format("cannot read {}: it is larger than {} bytes", shown(path), max_bytes));
  };
  // Asked before it is opened, as opening can already act on a device; O_NONBLOCK is for a FIFO put there in between.
  const auto attributes = attributes_of(path, "read");
  if (!attributes) return std::unexpected(attributes.error());
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!file.is_open()) return failed("read", path);
  struct stat opened{};
  if (::fstat(file.get(), &opened) != 0) return failed("read", path);
  if (!S_ISREG(opened.st_mode)) {
    return fail(fmt::format("cannot read {}: it is {}, not a file", shown(path), kind_of(opened.st_mode)));
  }
  const auto size = static_cast<std::size_t>(opened.st_size);
  if (size > max_bytes) return too_large();

  std::string content;
  for (std::size_t room = size + 1;; room = std::max<std::size_t>(room, 4096)) {  // files of /proc say that they have 0
    const std::size_t before = content.size();
    content.resize(std::min(before + room, max_bytes + 1));
    const ssize_t got = ::read(file.get(), content.data() + before, content.size() - before);
    const int error = errno;
    content.resize(before + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    errno = error;
    if (got < 0 && errno != EINTR) return failed("read", path);
    if (got == 0) return content;
    if (content.size() > max_bytes) return too_large();
  }
}

}  // namespace shim
