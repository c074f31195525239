// Puts an edited configuration file in the place of the one that was read. Blocks on the disk: not for the I/O thread.
#pragma once

#include <string>
#include <string_view>

namespace shim::config {

struct SyncResult {
  enum class Kind {
    written,
    changed_meanwhile,  // somebody else has written it since it was read, or is writing it: read it again, and edit
                        // that
    not_writable,       // read-only file system, immutable, a mount point of its own: an overlay has effect in memory
    failed,             // anything else, such as a full disk
  };
  Kind kind = Kind::written;
  std::string message;  // of not_writable and failed: what was tried on which path, why it failed, what to do
};

// Replaces `path` by `content` if it still holds exactly `expected`. Atomic: a reader, or a crash at any moment, sees
// the old file or the new one, and an edit that somebody makes meanwhile is never lost. Mode, owner and extended
// attributes (the SELinux label, ACLs) are kept; a symbolic link stays, and the file that it points to is replaced.
SyncResult sync_file(const std::string& path, std::string_view expected, std::string_view content);

}  // namespace shim::config
