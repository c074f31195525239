#include "base/temporary_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <optional>
#include <system_error>
#include <vector>

#include "base/text.h"

namespace shim {
namespace {

bool write_all(int fd, std::string_view content) {
  while (!content.empty()) {
    const ssize_t written = ::write(fd, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

bool is_kept(std::string_view attribute) {
  return attribute != "security.ima" && attribute != "security.evm";
}

// `read` is called with a buffer and its size, as listxattr(2) and getxattr(2) are; nothing on an error.
template <class Read>
std::optional<std::string> read_whole(Read read) {
  constexpr std::size_t kMostBytes = 64UL * 1024;  // of a value, and of all names (xattr(7))
  std::string bytes(kMostBytes, '\0');
  const ssize_t length = read(bytes.data(), bytes.size());
  if (length < 0) return std::nullopt;
  bytes.resize(static_cast<std::size_t>(length));
  return bytes;
}

// A file system without extended attributes has none.
template <class List>
std::optional<std::vector<std::string>> attribute_names(List list) {
  const std::optional<std::string> names = read_whole(list);
  if (!names && errno == ENOTSUP) return std::vector<std::string>{};
  if (!names) return std::nullopt;
  std::vector<std::string> result;
  for (std::size_t at = 0; at < names->size(); at += result.back().size() + 1) {
    result.emplace_back(names->c_str() + at);
  }
  std::erase_if(result, [](const std::string& name) { return !is_kept(name); });
  return result;
}

FileResult<void> copy_extended_attributes(const std::string& from, int fd) {
  const auto old_names =
      attribute_names([&](char* buffer, std::size_t size) { return ::llistxattr(from.c_str(), buffer, size); });
  const auto new_names =
      attribute_names([&](char* buffer, std::size_t size) { return ::flistxattr(fd, buffer, size); });
  if (!old_names || !new_names) return failed_step("read the extended attributes of");
  for (const std::string& name : *new_names) {  // an ACL that the folder's default gave it
    const bool stays = std::ranges::find(*old_names, name) != old_names->end() || name.starts_with("security.");
    if (!stays && ::fremovexattr(fd, name.c_str()) != 0) return failed_step("keep the attribute " + name + " of");
  }
  for (const std::string& name : *old_names) {
    const auto value = read_whole(
        [&](char* buffer, std::size_t size) { return ::lgetxattr(from.c_str(), name.c_str(), buffer, size); });
    const auto present =
        read_whole([&](char* buffer, std::size_t size) { return ::fgetxattr(fd, name.c_str(), buffer, size); });
    if (!value) return failed_step("read the attribute " + name + " of");
    if (value == present) continue;
    if (::fsetxattr(fd, name.c_str(), value->data(), value->size(), 0) != 0) {
      return failed_step("keep the attribute " + name + " of");
    }
  }
  return {};
}

}  // namespace

std::unexpected<FileFailure> failed_step(std::string_view step) {
  return std::unexpected(FileFailure{std::string(step), errno});
}

std::string message_of(const FileFailure& failure, const std::string& path) {
  return fmt::format("cannot {} {}: {}", failure.step, printable(path, 512),
                     std::generic_category().message(failure.code));
}

FileDescriptor::~FileDescriptor() {
  if (fd_ >= 0) ::close(fd_);
}

TemporaryFile::TemporaryFile(const std::string& folder, std::string_view prefix)
    : name_(fmt::format("{}/{}XXXXXX", folder, prefix)), file_(::mkostemp(name_.data(), O_CLOEXEC)) {
  if (!file_.is_open()) return;
  exists_ = true;
  ::flock(file_.get(), LOCK_EX | LOCK_NB);
}

TemporaryFile::~TemporaryFile() {
  if (exists_) ::unlink(name_.c_str());
}

bool TemporaryFile::write(std::string_view content) {
  return write_all(file_.get(), content) && ::fsync(file_.get()) == 0;
}

bool TemporaryFile::rename_to(const std::string& path) {
  if (::rename(name_.c_str(), path.c_str()) != 0) return false;
  exists_ = false;
  return true;
}

void remove_leftovers(const std::string& folder, std::string_view prefix) {
  const std::unique_ptr<DIR, int (*)(DIR*)> open_folder(::opendir(folder.c_str()), ::closedir);
  if (!open_folder) return;
  while (const dirent* entry = ::readdir(open_folder.get())) {
    const std::string_view name = entry->d_name;
    if (!name.starts_with(prefix) || name.size() != prefix.size() + 6) continue;
    const int parent = ::dirfd(open_folder.get());
    const FileDescriptor file(::openat(parent, entry->d_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (file.is_open() && ::flock(file.get(), LOCK_EX | LOCK_NB) == 0) ::unlinkat(parent, entry->d_name, 0);
  }
}

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

FileResult<std::string> link_target(std::string path) {
  constexpr int kMaxLinks = 40;  // as the kernel's
  for (int i = 0; i < kMaxLinks; ++i) {
    std::string target(4096, '\0');
    const ssize_t length = ::readlink(path.c_str(), target.data(), target.size());
    if (length < 0 && (errno == EINVAL || errno == ENOENT)) return path;  // no link, or nothing
    if (length < 0) return failed_step("read the link");
    target.resize(static_cast<std::size_t>(length));
    path = target.starts_with('/') ? target : folder_of(path) + "/" + target;
  }
  errno = ELOOP;
  return failed_step("write");
}

std::string_view kind_of(mode_t mode) {
  if (S_ISDIR(mode)) return "a folder";
  if (S_ISFIFO(mode)) return "a FIFO";
  if (S_ISSOCK(mode)) return "a socket";
  return "a device";
}

FileResult<void> copy_attributes(const std::string& from, const struct stat& old, int fd) {
  struct stat fresh{};
  if (::fstat(fd, &fresh) != 0) return failed_step("write");
  const bool owner_differs = old.st_uid != fresh.st_uid || old.st_gid != fresh.st_gid;
  if (owner_differs && ::fchown(fd, old.st_uid, old.st_gid) != 0) return failed_step("keep the owner of");
  if (auto copied = copy_extended_attributes(from, fd); !copied) return copied;
  if (::fchmod(fd, old.st_mode & 07777) != 0) return failed_step("keep the mode of");
  return {};
}

void sync_folder(const std::string& folder) {
  const FileDescriptor opened(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (opened.is_open()) ::fsync(opened.get());
}

}  // namespace shim
