// Which registries of a new configuration are those of the former one, unchanged: what is known of them goes on. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "registry/entry.h"

namespace shim::registry {

struct Succession {
  // Of each former entry: the number of the one that gives the same answers now. Priority and the offline registry's
  // place decide only the order, so they may differ.
  std::vector<std::optional<std::size_t>> entries;
  // URLs of the APIs that are asked with the same credentials and TLS options as before, and with no others.
  std::set<std::string> registries;
};

// `has_same_sources`: entries without credentials of their own find them where they did before.
Succession succession(std::span<const Entry> former, std::span<const Entry> now, bool has_same_sources);

}  // namespace shim::registry
