// The kernel's news about one file: inotify on every folder through which its path leads. No threads, no timers.
//
// What is watched are folders, as editors and Kubernetes replace files by rename: that of the file, that of each
// symbolic link on the way to it (`..data`), and where something is missing the folder in which it would appear.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"

namespace shim::config {

class Inotify {
 public:
  // Errors: the limits of the kernel (`fs.inotify.max_user_instances`, open files).
  static Expected<Inotify> open();
  Inotify(Inotify&& other) noexcept;
  Inotify& operator=(Inotify&&) = delete;
  ~Inotify();

  int descriptor() const { return descriptor_; }  // readable when there is news; never blocks

  // A folder and the name in it that matters.
  struct Place {
    int watch = -1;  // inotify's number of the folder
    std::string name;
    friend bool operator==(const Place&, const Place&) = default;
  };
  // Watches what `path` leads through now, and what only `former` was about no longer. Blocks on the disk.
  // Errors: the limits of the kernel (`fs.inotify.max_user_watches`), a folder that may not be read.
  Expected<std::vector<Place>> watch(const std::string& path, const std::vector<Place>& former) const;

 private:
  explicit Inotify(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

// What a batch of events says of some places.
struct FileNews {
  bool has_changed = false;
  bool is_being_written = false;  // somebody has written to it and not closed it yet
};

// Reads all that is there; `news` goes on from what was known before.
// REQUIRES: `descriptor` is an Inotify's.
FileNews read_news(int descriptor, const std::vector<Inotify::Place>& places, FileNews news);

}  // namespace shim::config
