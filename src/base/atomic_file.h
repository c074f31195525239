// Whole files: replaced so that a reader, or a crash at any moment, sees the old content or the new; and read with a
// bound. Both block on the disk: not for the I/O thread.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <string>
#include <string_view>

#include "base/error.h"

namespace shim {

// Replaces the content of `path` (written to a temporary file in the same folder, synced, renamed, folder synced). An
// existing file keeps its mode, owner and extended attributes (SELinux label, ACLs); a new one gets `mode_if_new`. A
// symbolic link stays, and the file that it points to is replaced. Hard links are not kept. On an error (the message
// names the path, the step and why) the old file is untouched, no temporary file is left, and what fails after the
// rename is not one: then the new content is in place. Errors: a `path` that is no regular file; no permission; no
// space; a file that is itself a mount point, which cannot be renamed over.
Expected<void> replace_file(const std::string& path, std::string_view content, mode_t mode_if_new = 0600);

// The content of the regular file `path`, at most `max_bytes`.
// Errors: missing, unreadable, larger, or no regular file. A FIFO or a device is refused without being waited for.
Expected<std::string> read_file(const std::string& path, std::size_t max_bytes);

}  // namespace shim
