// Reads `auth`: `user:password`, `""`, or `{username, password | passwordFile | identityToken}`.
#pragma once

#include <optional>

#include "config/block.h"
#include "config/config.h"

namespace shim::config {

// The key `auth` of `block`; nothing where it is absent or wrong. No message shows anything that stands below it.
std::optional<Auth> read_auth(Block& block);

}  // namespace shim::config
