#include "registry/statistics.h"

#include <fmt/format.h>

#include <algorithm>

namespace shim::registry {
namespace {

std::string counts_text(const RegistryStatistics& registry) {
  std::string text;
  for (std::size_t kind = 0; kind < kOutcomeKinds; ++kind) {
    if (registry.probes[kind] == 0) continue;
    text += fmt::format(" {}={}", kind_name(static_cast<Outcome::Kind>(kind)), registry.probes[kind]);
  }
  text += fmt::format(" pulls={} failed-pulls={}", registry.pulls_succeeded, registry.pulls_failed);
  if (registry.last_latency) text += fmt::format(" latency={}us", registry.last_latency->count());
  return text + (registry.breaker.is_open ? " left-out" : "");
}

bool has_counted(const RegistryStatistics& registry) {
  return registry.pulls_succeeded > 0 || registry.pulls_failed > 0 ||
         std::ranges::any_of(registry.probes, [](std::uint64_t count) { return count > 0; });
}

}  // namespace

std::string summary_line(const Statistics& statistics) {
  std::uint64_t pulls = statistics.original.pulls_succeeded + statistics.removed.pulls_succeeded;
  std::size_t open = 0;
  for (const RegistryStatistics& registry : statistics.registries) {
    pulls += registry.pulls_succeeded;
    open += registry.breaker.is_open ? 1 : 0;
  }
  const AnswerCache::Statistics& cache = statistics.cache;
  return fmt::format("cache: size={} hits={} misses={} evictions={} pulls={} failovers={} open={}", cache.references,
                     cache.hits, cache.misses, cache.evictions, pulls, statistics.failovers, open);
}

std::vector<std::string> registry_lines(const Statistics& statistics) {
  std::vector<std::string> lines;
  for (const RegistryStatistics& registry : statistics.registries) {
    lines.push_back(fmt::format("registry {}:{}", registry.registry, counts_text(registry)));
  }
  lines.push_back(fmt::format("original references:{}", counts_text(statistics.original)));
  if (has_counted(statistics.removed)) {
    lines.push_back(fmt::format("registries removed since the start:{}", counts_text(statistics.removed)));
  }
  return lines;
}

}  // namespace shim::registry
