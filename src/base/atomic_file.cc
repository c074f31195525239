#include "base/atomic_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <system_error>
#include <utility>

#include "base/text.h"

namespace shim {
namespace {

std::string shown(const std::string& path) {
  return printable(path, 512);
}

// `cannot <step> <path>: <errno text>`. REQUIRES: errno is that of the step.
std::unexpected<Error> failed(std::string_view step, const std::string& path) {
  const std::string why = std::generic_category().message(errno);
  return fail(fmt::format("cannot {} {}: {}", step, shown(path), why));
}

class FileDescriptor {
 public:
  explicit FileDescriptor(int fd) : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&&) = delete;
  ~FileDescriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }
  bool is_open() const { return fd_ >= 0; }
  // Network file systems report a failed write only here.
  bool close() { return ::close(std::exchange(fd_, -1)) == 0; }

 private:
  int fd_;
};

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// What `path` points to through symbolic links, which may not exist (yet). Links of folders are the kernel's matter.
Expected<std::string> link_target(std::string path) {
  constexpr int kMaxLinks = 40;  // as the kernel's
  const std::string written = path;
  for (int i = 0; i < kMaxLinks; ++i) {
    std::string target(4096, '\0');
    const ssize_t length = ::readlink(path.c_str(), target.data(), target.size());
    if (length < 0 && (errno == EINVAL || errno == ENOENT)) return path;  // no link, or nothing
    if (length < 0) return failed("read the link", path);
    target.resize(static_cast<std::size_t>(length));
    path = target.starts_with('/') ? target : folder_of(path) + "/" + target;
  }
  return fail(fmt::format("cannot write {}: too many levels of symbolic links", shown(written)));
}

std::string_view kind_of(mode_t mode) {
  if (S_ISDIR(mode)) return "a folder";
  if (S_ISFIFO(mode)) return "a FIFO";
  if (S_ISSOCK(mode)) return "a socket";
  return "a device";
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

bool write_all(int fd, std::string_view content) {
  while (!content.empty()) {
    const ssize_t written = ::write(fd, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

// Mode and owner before content, so that nobody reads a secret who could not read the old file.
Expected<void> prepare(int fd, const std::string& path, const std::optional<struct stat>& old, mode_t mode_if_new) {
  struct stat fresh{};
  if (::fstat(fd, &fresh) != 0) return failed("write", path);
  const bool owner_differs = old && (old->st_uid != fresh.st_uid || old->st_gid != fresh.st_gid);
  if (owner_differs && ::fchown(fd, old->st_uid, old->st_gid) != 0) return failed("keep the owner of", path);
  const mode_t mode = old ? old->st_mode & 07777 : mode_if_new;
  if (::fchmod(fd, mode) != 0) return failed("keep the mode of", path);
  return {};
}

// A temporary file that is removed unless it was renamed.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& folder)
      : name_(folder + "/.image-cri-shim.XXXXXX"), file_(::mkostemp(name_.data(), O_CLOEXEC)) {
    if (file_.is_open()) exists_ = true;
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() {
    if (exists_) ::unlink(name_.c_str());
  }
  bool is_open() const { return file_.is_open(); }
  int fd() const { return file_.get(); }
  bool close() { return file_.close(); }
  bool rename_to(const std::string& path) {
    if (::rename(name_.c_str(), path.c_str()) != 0) return false;
    exists_ = false;
    return true;
  }

 private:
  std::string name_;
  FileDescriptor file_;
  bool exists_ = false;
};

}  // namespace

Expected<void> replace_file(const std::string& path, std::string_view content, mode_t mode_if_new) {
  const auto target = link_target(path);
  if (!target) return std::unexpected(target.error());
  const auto old = attributes_of(*target, "write");
  if (!old) return std::unexpected(old.error());

  const std::string folder = folder_of(*target);
  TemporaryFile temporary(folder);
  if (!temporary.is_open()) return failed("create a temporary file for", *target);
  if (auto prepared = prepare(temporary.fd(), *target, *old, mode_if_new); !prepared) return prepared;
  if (!write_all(temporary.fd(), content) || ::fsync(temporary.fd()) != 0) return failed("write", *target);
  if (!temporary.close()) return failed("write", *target);
  if (!temporary.rename_to(*target)) return failed("replace", *target);

  // From here on the new content is what every reader sees. A folder that cannot be synced (some file systems) costs
  // durability over a power cut, not atomicity: no reason to tell the caller that nothing was written.
  const FileDescriptor opened(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (opened.is_open()) ::fsync(opened.get());
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
