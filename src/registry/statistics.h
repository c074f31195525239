// What a Resolver and those before it have counted: for the statistics line, the status page and the metrics. Plain
// values. Counters of a process only grow: a reload hands them on.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/duration_histogram.h"
#include "registry/answer_cache.h"
#include "registry/breaker.h"
#include "registry/outcome.h"

namespace shim::registry {

inline constexpr std::array<DurationHistogram::Duration, 11> kProbeBounds = {
    std::chrono::milliseconds(1),   std::chrono::microseconds(2500), std::chrono::milliseconds(5),
    std::chrono::milliseconds(10),  std::chrono::milliseconds(25),   std::chrono::milliseconds(50),
    std::chrono::milliseconds(100), std::chrono::milliseconds(250),  std::chrono::milliseconds(500),
    std::chrono::seconds(1),        std::chrono::seconds(2)};
inline constexpr std::array<DurationHistogram::Duration, 10> kPullBounds = {
    std::chrono::milliseconds(100), std::chrono::milliseconds(500), std::chrono::seconds(1),  std::chrono::seconds(2),
    std::chrono::seconds(5),        std::chrono::seconds(15),       std::chrono::seconds(30), std::chrono::seconds(60),
    std::chrono::seconds(300),      std::chrono::seconds(900)};

struct RegistryStatistics {
  std::string registry;                               // address as configured
  std::array<std::uint64_t, kOutcomeKinds> probes{};  // answers by Outcome::Kind
  std::uint64_t pulls_succeeded = 0;
  std::uint64_t pulls_failed = 0;
  std::uint64_t failovers = 0;                              // of the failed ones: another source was tried
  DurationHistogram probe_durations{kProbeBounds};          // of probes that were answered
  DurationHistogram pull_durations{kPullBounds};            // of pulls that succeeded, at the runtime
  std::optional<std::chrono::microseconds> last_latency{};  // of the last probe that was answered
  std::string last_failure{};                               // of a probe or a pull, one clause; empty: there was none
  std::chrono::system_clock::time_point failed_at{};        // when that was
  bool is_failing = false;  // it refused us, or a pull failed, and nothing has gone well since; see `breaker`, too
  Breaker::Status breaker{};
};

struct Statistics {
  AnswerCache::Statistics cache;
  std::vector<RegistryStatistics> registries;  // in file order, the offline one last
  RegistryStatistics original;                 // the original references; never probed
  std::uint64_t failovers = 0;                 // pulls that went on to another source after a failure
  RegistryStatistics removed{};                // all registries together that a reload has removed
};

// `cache: size=3 hits=9 misses=4 evictions=0 pulls=5 failovers=1 open=0`, stable words for people who grep: references
// kept, pulls that ended well, and entries that are left out now.
std::string summary_line(const Statistics& statistics);
// One for each registry, and one for the original references; one for registries removed, where they count.
std::vector<std::string> registry_lines(const Statistics& statistics);

}  // namespace shim::registry
