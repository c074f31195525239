// `names.json` in the state directory: the names of NameStore on disk (DESIGN 5).
//
// A crash at any moment leaves the file of before or the new one. Both functions block on the disk: not for the I/O
// thread.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "cri/name_store.h"

namespace shim::cri {

struct StoredNames {
  std::vector<RememberedName> names;    // oldest first
  std::vector<std::string> warnings{};  // for an operator
  bool is_writable = true;              // false: a warning says why not
};

// What is in `folder`, which is made (0700, its parents 0755) where it is missing. A file that cannot be used is kept
// beside as `names.json.unreadable`, and single entries that cannot are skipped; the warnings name both. Temporary
// files that a crash has left there are removed.
StoredNames read_names(const std::string& folder);

// Replaces the file; makes `folder` where it was removed. Errors name the path and the reason; the old file is
// untouched then.
Expected<void> write_names(const std::string& folder, const std::vector<RememberedName>& names);

}  // namespace shim::cri
