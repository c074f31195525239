// The parts of replacing a file by another: what atomic_file.h and a compare-and-replace share. All block on the disk.
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <expected>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"

namespace shim {

// A step that the operating system refused.
struct FileFailure {
  std::string step;  // completes "cannot … PATH": `replace`, `keep the owner of`
  int code = 0;      // errno
};

template <class T>
using FileResult = std::expected<T, FileFailure>;

// With errno as it is now.
std::unexpected<FileFailure> failed_step(std::string_view step);
// `cannot <step> <path>: <errno text>`
std::string message_of(const FileFailure& failure, const std::string& path);

class FileDescriptor {
 public:
  explicit FileDescriptor(int fd) : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&&) = delete;
  ~FileDescriptor();

  int get() const { return fd_; }
  bool is_open() const { return fd_ >= 0; }

 private:
  int fd_;
};

// A new file beside another, for its owner alone, removed at the end unless it was renamed away. It is locked
// (flock(2)) while it is in use: one that is not locked was left behind by a process that ended in the middle.
class TemporaryFile {
 public:
  // In `folder`; its name begins with `prefix`. Not open on an error (errno).
  TemporaryFile(const std::string& folder, std::string_view prefix);
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile();

  bool is_open() const { return file_.is_open(); }
  int fd() const { return file_.get(); }
  const std::string& name() const { return name_; }
  // All of `content`, and all of it on the disk.
  bool write(std::string_view content);
  // Over what is there, if anything. False: errno.
  bool rename_to(const std::string& path);
  // The name is another file's from now on, and stays at the end.
  void leave() { exists_ = false; }

 private:
  std::string name_;
  FileDescriptor file_;
  bool exists_ = false;
};

// Removes what processes that ended in the middle left behind in `folder`; `prefix` as that of their TemporaryFile.
void remove_leftovers(const std::string& folder, std::string_view prefix);

std::string folder_of(const std::string& path);

// What `path` points to through symbolic links, which may not exist (yet). Links of folders are the kernel's matter.
FileResult<std::string> link_target(std::string path);

// `a folder`, `a FIFO`, `a socket`, `a device`
std::string_view kind_of(mode_t mode);

// Gives the new file `fd` the owner, mode and extended attributes (SELinux label, ACLs) of the file `from`, whose
// attributes `old` are. Before there is content, so that nobody reads a secret who could not read the old file. What
// depends on the content (security.ima, security.evm) is left out.
FileResult<void> copy_attributes(const std::string& from, const struct stat& old, int fd);

// So that a rename survives a power cut. A folder that cannot be synced (some file systems) costs that, not atomicity.
void sync_folder(const std::string& folder);

}  // namespace shim
