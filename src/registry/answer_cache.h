// What each registry entry answered for a reference, for a while: a true LRU over references. Not the choice: that is
// made anew each time (DESIGN 3). No I/O, no clock. Not thread-safe.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "registry/outcome.h"

namespace shim::registry {

class AnswerCache {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  struct Options {
    std::size_t capacity = 1024;                                     // references; 0: nothing is kept
    std::chrono::nanoseconds holds_ttl = std::chrono::minutes(30);   // a yes
    std::chrono::nanoseconds absent_ttl = std::chrono::seconds(10);  // a no: 404, no image for this platform
  };
  struct Answer {
    Outcome::Kind kind = Outcome::Kind::holds;  // holds, absent or other_platform
    std::string reason{};                       // as in Outcome
    TimePoint known_since{};
  };
  struct Statistics {
    std::uint64_t hits = 0;       // answers found
    std::uint64_t misses = 0;     // looked for in vain, or no longer good
    std::uint64_t evictions = 0;  // references that made room
    std::size_t references = 0;   // kept now
  };

  explicit AnswerCache(Options options);

  // The answer of entry number `entry` that is still good; the reference becomes the one used last.
  std::optional<Answer> find(std::string_view reference, std::size_t entry, TimePoint now);
  // Keeps a yes or a no; any other outcome is dropped, as an error is never a no.
  void store(std::string_view reference, std::size_t entry, const Outcome& outcome, TimePoint now);
  // A yes that turned out wrong.
  void forget(std::string_view reference, std::size_t entry);
  Statistics statistics() const;

 private:
  // for its implementation to say
};

}  // namespace shim::registry
