// Reads what the configuration says about registries: the entries of `registries`, and the offline registry, whose
// keys stand at the top level and in the block `offline`.
#pragma once

#include <optional>
#include <vector>

#include "config/block.h"
#include "config/config.h"

namespace shim::config {

// `address`, `auth`, `offlinePriority`, `offline`; nothing where `address` is absent or wrong.
std::optional<Registry> read_offline_registry(Block& top);

// `registries`, without the entries that have errors.
std::vector<Registry> read_registries(Block& top);

}  // namespace shim::config
