// Puts an edited configuration file in the place of the one that was read. Blocks on the disk: not for the I/O thread.
//
// The new file is written beside the old one, and the two are exchanged (renameat2(2), RENAME_EXCHANGE). Only then is
// looked at what came out: where it is not what was read, the two are exchanged back (others may see the new file for
// that moment). A read lease (fcntl(2)) tells of
// programs that have the file open for writing, or open it meanwhile. Where the file system has no exchange or no
// leases, the file is compared as late as possible.
#pragma once

#include <functional>
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

// What was just done; in this order, `put_back` only where the file had changed.
enum class SyncStep { created, prepared, written, compared, exchanged, put_back, removed, synced };
// For tests that end the process, or write the file, in the middle of a sync.
using SyncListener = std::function<void(SyncStep)>;

// Replaces `path` by `content` if it still holds exactly `expected`. Atomic: a reader, or a crash at any moment, sees
// the old file or the new one, and an edit that somebody makes meanwhile is never lost. Mode, owner and extended
// attributes (the SELinux label, ACLs) are kept; a symbolic link stays, and the file that it points to is replaced.
// What a predecessor that crashed left beside the file is removed.
SyncResult sync_file(const std::string& path, std::string_view expected, std::string_view content,
                     const SyncListener& listener = nullptr);

}  // namespace shim::config
