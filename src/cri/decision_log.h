// What became of the last pulls, and why: for `status` and the page. In memory, bounded, on the I/O thread; nothing is
// decided by it.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "registry/candidate.h"
#include "registry/outcome.h"

namespace shim::cri {

// One pull that registries were looked through for, at its end.
struct Decision {
  std::chrono::system_clock::time_point time{};  // of the end
  std::string image{};                           // as the user wrote it
  std::string pod_namespace{};                   // empty: none known
  bool is_pulled = false;
  std::string source{};           // registry, as configured, or the image's own host; empty where it failed
  std::string name{};             // that was pulled
  std::optional<int> priority{};  // of the registry's entry; nothing for the image's own host
  std::string why{};              // why this source, and why none before it; or why it failed
  std::size_t attempts = 0;       // pulls that the runtime was asked for
  std::chrono::milliseconds duration{0};

  friend bool operator==(const Decision&, const Decision&) = default;
};

class DecisionLog {
 public:
  static constexpr std::size_t kCapacity = 50;
  static constexpr std::size_t kLongestText = 2048;  // octets of each text; what is longer ends with `…`

  // Texts of other programs become printable().
  void add(Decision decision);
  // Newest first.
  std::vector<Decision> decisions() const;

 private:
  std::deque<Decision> decisions_;  // newest first
};

// `priority 1000, has it`, and of each source that came before it or failed what it said. `outcomes` are those of the
// pull, in the order of its candidates; `used` is the candidate that was pulled from source `source`. Pure.
std::string why_chosen(const std::vector<registry::Outcome>& outcomes, const registry::Candidate& used,
                       const std::string& source);

}  // namespace shim::cri
