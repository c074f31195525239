#include "registry/tally.h"

#include <algorithm>
#include <utility>

namespace shim::registry {

Tally::Tally(std::span<const Entry> entries, const Tally* former)
    : totals_(former ? former->totals_ : std::make_shared<Totals>()) {
  std::vector<std::shared_ptr<Counts>> rest;
  if (former) rest = former->entries_;
  for (const Entry& entry : entries) entries_.push_back(take(entry.address.text(), rest));
  for (const auto& counts : rest) remove(*counts);
}

// The first of an address goes on as the first, the second as the second.
std::shared_ptr<Tally::Counts> Tally::take(const std::string& address,
                                           std::vector<std::shared_ptr<Counts>>& counts) const {
  const auto found = std::ranges::find_if(
      counts, [&](const auto& each) { return !each->gone_into && each->numbers.registry == address; });
  if (found == counts.end()) {
    auto made = std::make_shared<Counts>();
    made->numbers.registry = address;
    return made;
  }
  auto taken = std::move(*found);
  counts.erase(found);
  return taken;
}

void Tally::remove(Counts& counts) const {
  if (counts.gone_into) return;
  RegistryStatistics& sum = totals_->removed;
  for (std::size_t kind = 0; kind < kOutcomeKinds; ++kind) sum.probes[kind] += counts.numbers.probes[kind];
  sum.pulls_succeeded += counts.numbers.pulls_succeeded;
  sum.pulls_failed += counts.numbers.pulls_failed;
  sum.failovers += counts.numbers.failovers;
  sum.probe_durations.add(counts.numbers.probe_durations);
  sum.pull_durations.add(counts.numbers.pull_durations);
  counts.gone_into = &sum;
}

Statistics Tally::statistics() const {
  Statistics statistics{.cache = {},
                        .registries = {},
                        .original = totals_->original,
                        .failovers = totals_->failovers,
                        .removed = totals_->removed};
  for (const auto& counts : entries_) statistics.registries.push_back(current(*counts));
  return statistics;
}

}  // namespace shim::registry
