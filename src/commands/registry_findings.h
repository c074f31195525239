// From what a registry has answered to what `check` says of it: reachable, trusted, let in, its clock. Pure.
#pragma once

#include <chrono>

#include "commands/finding.h"
#include "commands/registry_check.h"
#include "registry/entry.h"

namespace shim::commands {

// The first says whether it can be used; the others are warnings. `now` is this node's clock.
Findings judge_registry(const registry::Entry& entry, const RegistryAnswer& answer, std::chrono::sys_seconds now);

}  // namespace shim::commands
