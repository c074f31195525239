#include "config/cluster_keys.h"

#include "config/registry_blocks.h"

namespace shim::config {

namespace {

Cache read_cache(Block block) {
  Cache cache;
  block.number("imageCacheSize", cache.image_cache_size);
  block.duration("imageCacheTTL", cache.image_cache_ttl);
  block.duration("domainCacheTTL", cache.domain_cache_ttl);
  block.duration("notFoundTTL", cache.not_found_ttl);
  block.duration("statsLogInterval", cache.stats_log_interval);
  block.flag("disableStats", cache.disable_stats);
  block.finish();
  return cache;
}

}  // namespace

void read_cluster_keys(Block& top, Config& config) {
  top.flag("force", config.force);
  top.flag("debug", config.debug);
  top.duration("timeout", config.timeout);
  top.duration("reloadInterval", config.reload_interval);
  config.registries = read_registries(top);
  config.cache = read_cache(top.block("cache"));
}

}  // namespace shim::config
