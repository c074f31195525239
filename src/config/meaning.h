// Which keys of an overlay say something else than the file. Pure.
#pragma once

#include <string_view>

#include "config/document.h"
#include "config/environment.h"

namespace shim::config {

// Whether the file means the same with `ours` for `key` as with `local` (null: without the key). `key` is a top-level
// key. Two spellings (`auth: u:p` and a block, `1m` and `60s`, a default and its absence) are the same; a variable is
// only the same as itself, since its value may change.
bool mean_the_same(std::string_view key, const Node* local, const Node& ours, const Environment& environment);

}  // namespace shim::config
