// Whether this node's kubelet gets its images through the shim, for `check`.
#pragma once

#include <string>

#include "base/error.h"
#include "commands/finding.h"
#include "commands/kubelet_node.h"

namespace shim::commands {

struct KubeletLook {
  Expected<KubeletNode> node;
  bool is_connected = false;  // anybody, to the shim
  Expected<void> answer{};    // of the shim; of meaning where the kubelet points at it
};

// Of the shim that has its socket at `socket`, and the node below `root`. Blocks, for a bounded time.
KubeletLook look_at_kubelet(const std::string& root, const std::string& socket);

// A kubelet that goes past the shim is a warning, as it does so before `kubelet enable`; one that points at a shim that
// does not answer gets no image. Pure.
Finding judge_kubelet(const KubeletLook& look, const std::string& socket);

}  // namespace shim::commands
