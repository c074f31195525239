// What is to be written to point the kubelet elsewhere and back: file, text before, text after. Decided without
// writing.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "commands/kubelet_node.h"

namespace shim::commands {

struct KubeletChange {
  std::string path;
  std::string before;
  std::string after;
  std::string endpoint_before;  // empty: none
  std::string endpoint_after;

  bool is_empty() const { return before == after; }
};

// Errors: no file takes it, or it cannot be edited.
Expected<KubeletChange> change_to(const KubeletNode& node, const std::string& endpoint, std::optional<int> minor);

// Takes the shim's socket out of every file that names it: what its backup has comes back, or nothing. Where only that
// was changed since, the file is byte for byte the backup again.
// Errors: containerRuntimeEndpoint is the shim's, which `enable` never writes; a file that cannot be edited.
Expected<std::vector<KubeletChange>> changes_from(const KubeletNode& node, const std::string& socket);

// Writes the backup beside it, for a change that sets the shim, and then the file: a crash at any moment leaves the old
// or the new one. Errors: somebody else has changed it meanwhile; it cannot be written.
Expected<void> write_change(const KubeletChange& change, bool with_backup);

// The change that takes back what `change` did.
KubeletChange undo_of(const KubeletChange& change);

}  // namespace shim::commands
