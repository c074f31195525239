// What is counted of a configuration's entries. It goes on through reloads, so that no counter of the process goes
// back: an entry goes on with the counts of the former one of the same address, and the counts of those that are gone
// stay in a sum. Runs on the I/O thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "registry/entry.h"
#include "registry/statistics.h"

namespace shim::registry {

class Tally {
 public:
  // `former` may be null. It can be counted in afterwards, as long as its own calls run.
  Tally(std::span<const Entry> entries, const Tally* former);

  RegistryStatistics& of(std::size_t entry) { return current(*entries_[entry]); }
  RegistryStatistics& original() { return totals_->original; }
  // A pull went on to another source after `from` had failed.
  void failed_over(RegistryStatistics& from) {
    ++from.failovers;
    ++totals_->failovers;
  }

  // Without what is not counted: the cache, and the breakers of the entries.
  Statistics statistics() const;

 private:
  struct Totals {
    RegistryStatistics original{};
    RegistryStatistics removed{};
    std::uint64_t failovers = 0;
  };
  struct Counts {
    RegistryStatistics numbers{};
    RegistryStatistics* gone_into = nullptr;  // once its entry is gone: `removed` of the totals
  };
  static RegistryStatistics& current(Counts& counts) { return counts.gone_into ? *counts.gone_into : counts.numbers; }
  std::shared_ptr<Counts> take(const std::string& address, std::vector<std::shared_ptr<Counts>>& counts) const;
  void remove(Counts& counts) const;

  std::shared_ptr<Totals> totals_;                // of all that follow one another …
  std::vector<std::shared_ptr<Counts>> entries_;  // … as are the counts of an entry that goes on
};

}  // namespace shim::registry
