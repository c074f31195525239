// Reads what the configuration says about registries: the entries of `registries`, and the offline registry, whose
// keys stand at the top level and in the block `offline`.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "config/block.h"
#include "config/config.h"
#include "image/address.h"

namespace shim::config {

// `address`; nothing where it is absent, empty or wrong.
std::optional<image::Address> read_address(Block& block);

// `priority`, under the name `key`; nothing where it is absent, 0 or no number.
std::optional<int> read_priority(Block& block, std::string_view key);

// `address`, `auth`, `offlinePriority`, `offline`; nothing where `address` is absent or wrong.
std::optional<Registry> read_offline_registry(Block& top);

// `registries`, without the entries that have errors.
std::vector<Registry> read_registries(Block& top);

}  // namespace shim::config
