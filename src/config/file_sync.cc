#include "config/file_sync.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <optional>
#include <vector>

#include "base/temporary_file.h"
#include "base/text.h"
#include "config/lease.h"

namespace shim::config {

namespace {

using Kind = SyncResult::Kind;

// How long a program may take between finding the file by its name and opening it, so that its edit is still seen.
constexpr std::chrono::milliseconds kOpeningTime{20};

SyncResult changed_meanwhile() {
  return {Kind::changed_meanwhile, ""};
}

// What to do about it; nothing where the error is not one of permissions.
std::optional<std::string_view> advice_for(int code) {
  switch (code) {
    case EROFS:
      return "the file system is read-only";
    case EBUSY:
      return "the file is a mount point of its own; mount its folder instead";
    case EPERM:
      return "the file or its folder may be immutable (lsattr), or another user's";
    case EACCES:
      return "the folder must be writable for the shim";
    default:
      return std::nullopt;
  }
}

SyncResult result_of(const FileFailure& failure, const std::string& path) {
  const std::string message = message_of(failure, path);
  if (failure.code == ENOENT) return changed_meanwhile();
  if (const auto advice = advice_for(failure.code))
    return {Kind::not_writable, fmt::format("{} ({})", message, *advice)};
  return {Kind::failed, message};
}

// Whether the file holds exactly `expected`; also false where it cannot be read.
bool holds(int fd, std::string_view expected) {
  std::array<char, 16384> buffer{};
  std::size_t at = 0;
  while (true) {
    const ssize_t got = ::pread(fd, buffer.data(), buffer.size(), static_cast<off_t>(at));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return false;
    if (got == 0) return at == expected.size();
    const std::string_view read(buffer.data(), static_cast<std::size_t>(got));
    if (expected.substr(std::min(at, expected.size()), read.size()) != read) return false;
    at += read.size();
  }
}

bool is_same_file(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

// Whether that is the name of the open file.
bool is_file(const std::string& name, int fd) {
  struct stat named{};
  struct stat opened{};
  return ::lstat(name.c_str(), &named) == 0 && ::fstat(fd, &opened) == 0 && is_same_file(named, opened);
}

class Sync {
 public:
  Sync(const std::string& path, std::string_view expected, std::string_view content, const SyncListener& listener)
      : path_(path), expected_(expected), content_(content), listener_(listener) {}

  SyncResult run() {
    const std::string name = path_.substr(path_.rfind('/') + 1);
    const std::string prefix = fmt::format(".{}.sync-", name);
    const std::string folder = folder_of(path_);
    if (::lstat(path_.c_str(), &old_) != 0) return result_of(failed_step("read").error(), path_);
    if (!S_ISREG(old_.st_mode)) return not_a_file();
    const FileDescriptor old(::open(path_.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    if (!old.is_open()) return result_of(failed_step("read").error(), path_);
    if (::fstat(old.get(), &old_) != 0) return result_of(failed_step("read").error(), path_);
    if (!S_ISREG(old_.st_mode)) return not_a_file();
    ::flock(old.get(), LOCK_SH | LOCK_NB);  // under the temporary's name it must not be taken for a leftover
    if (!holds(old.get(), expected_)) return changed_meanwhile();

    remove_leftovers(folder, prefix);
    TemporaryFile temporary(folder, prefix);
    if (!temporary.is_open()) return result_of(failed_step("create a temporary file for").error(), path_);
    tell(SyncStep::created);
    if (auto copied = copy_attributes(path_, old_, temporary.fd()); !copied) return result_of(copied.error(), path_);
    tell(SyncStep::prepared);
    if (!temporary.write(content_)) return result_of(failed_step("write").error(), path_);
    tell(SyncStep::written);
    const SyncResult result = replace(old.get(), temporary);
    if (result.kind != Kind::written) return result;
    sync_folder(folder);
    tell(SyncStep::synced);
    return result;
  }

 private:
  void tell(SyncStep step) const {
    if (listener_) listener_(step);
  }

  SyncResult not_a_file() const {
    return {Kind::failed,
            fmt::format("cannot write {}: it is {}, not a file", printable(path_, 512), kind_of(old_.st_mode))};
  }

  // Still the file that was read, with the same attributes and content.
  bool is_unchanged(int old, const std::string& name) const {
    struct stat now{};
    return ::lstat(name.c_str(), &now) == 0 && is_same_file(now, old_) && now.st_mode == old_.st_mode &&
           now.st_uid == old_.st_uid && now.st_gid == old_.st_gid && holds(old, expected_);
  }

  SyncResult replace(int old, TemporaryFile& temporary) const {
    const Lease lease(old);
    if (lease.state() == Lease::State::broken || !is_unchanged(old, path_)) return changed_meanwhile();
    tell(SyncStep::compared);
    if (exchange(temporary)) {
      tell(SyncStep::exchanged);
      const bool is_complete = is_unchanged(old, temporary.name()) &&
                               lease.wait(kOpeningTime) != Lease::State::broken && holds(old, expected_);
      if (!is_complete) return put_back(temporary);
      ::unlink(temporary.name().c_str());
      temporary.leave();
      tell(SyncStep::removed);
      return {};
    }
    const bool has_no_exchange = errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP;
    if (!has_no_exchange) return result_of(failed_step("replace").error(), path_);
    if (!is_unchanged(old, path_) || lease.state() == Lease::State::broken) return changed_meanwhile();
    if (!temporary.rename_to(path_)) return result_of(failed_step("replace").error(), path_);
    tell(SyncStep::removed);
    return {};
  }

  bool exchange(const TemporaryFile& temporary) const {
    return ::renameat2(AT_FDCWD, temporary.name().c_str(), AT_FDCWD, path_.c_str(), RENAME_EXCHANGE) == 0;
  }

  // What came out is an edit, or about to be one: it gets its place again. Where a still newer one comes out then, that
  // one does.
  SyncResult put_back(TemporaryFile& temporary) const {
    int placed = temporary.fd();        // the file that was last put in place
    std::vector<FileDescriptor> edits;  // open, so that no new file gets their inode numbers
    while (true) {
      const int edit = edits.emplace_back(::open(temporary.name().c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC)).get();
      if (edit < 0) break;
      if (exchange(temporary)) {
        if (is_file(temporary.name(), placed)) break;
        placed = edit;
      } else if (errno == ENOENT && move_back(temporary)) {
        break;
      } else if (errno != ENOENT && errno != EEXIST) {
        temporary.leave();
        return {Kind::failed, fmt::format("{}; what somebody else wrote is now in {}",
                                          message_of(failed_step("put back").error(), path_), temporary.name())};
      }
    }
    tell(SyncStep::put_back);
    return changed_meanwhile();
  }

  // To where nothing is any more.
  bool move_back(TemporaryFile& temporary) const {
    if (::renameat2(AT_FDCWD, temporary.name().c_str(), AT_FDCWD, path_.c_str(), RENAME_NOREPLACE) != 0) return false;
    temporary.leave();
    return true;
  }

  const std::string& path_;
  std::string_view expected_;
  std::string_view content_;
  const SyncListener& listener_;
  struct stat old_{};
};

}  // namespace

SyncResult sync_file(const std::string& path, std::string_view expected, std::string_view content,
                     const SyncListener& listener) {
  const FileResult<std::string> target = link_target(path);
  if (!target) return result_of(target.error(), path);
  return Sync(*target, expected, content, listener).run();
}

}  // namespace shim::config
