#include "config/cluster_keys.h"

#include <chrono>

#include "config/registry_blocks.h"

namespace shim::config {

namespace {

using namespace std::chrono_literals;

Cache read_cache(Block block) {
  Cache cache;
  block.number("imageCacheSize", cache.image_cache_size, 0, 1'000'000);
  block.duration("imageCacheTTL", cache.image_cache_ttl, {1s, 720h});
  block.duration("domainCacheTTL", cache.domain_cache_ttl, {1s, 720h});
  block.duration("notFoundTTL", cache.not_found_ttl, {100ms, 24h});
  block.duration("statsLogInterval", cache.stats_log_interval, {1s, 24h, true});
  block.flag("disableStats", cache.disable_stats);
  block.finish();
  return cache;
}

}  // namespace

void read_cluster_keys(Block& top, Config& config) {
  top.flag("force", config.force);
  top.flag("debug", config.debug);
  top.duration("timeout", config.timeout, {100ms, 24h});
  top.duration("reloadInterval", config.reload_interval, {1s, 24h});
  config.registries = read_registries(top);
  config.cache = read_cache(top.block("cache"));
}

}  // namespace shim::config
