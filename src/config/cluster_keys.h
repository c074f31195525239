// The keys that the file and the ConfigMap have under the same name: what a cluster sets for all of its nodes.
#pragma once

#include "config/block.h"
#include "config/config.h"

namespace shim::config {

// `force`, `debug`, `timeout`, `reloadInterval`, `registries` and `cache` of the block.
void read_cluster_keys(Block& top, Config& config);

}  // namespace shim::config
