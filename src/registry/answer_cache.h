// What each registry entry answered for a reference, for a while: a true LRU over references. Not the choice: that is
// made anew each time (DESIGN 3). No I/O, no clock. Not thread-safe.
//
// Looking for an answer and keeping one are uses of its reference. A reference that has no answer left leaves. A reload
// makes a new cache, which takes the answers of the old one over.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "registry/outcome.h"

namespace shim::registry {

class AnswerCache {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  struct Options {
    std::size_t capacity = 1024;                                     // references; 0: nothing is kept
    std::chrono::nanoseconds holds_ttl = std::chrono::minutes(30);   // a yes; 0 keeps none, here and below
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
  AnswerCache(AnswerCache&&) = delete;  // the index points into it

  // What `former` holds, and its counters, go on here; it holds nothing afterwards. The answers of its entry n are
  // those of entry numbers[n] from now on; where that is nothing they are dropped. For how long each counts, and how
  // many are kept, this cache's own options say. REQUIRES: this is new; `numbers` has each entry of `former`.
  void take_over(AnswerCache& former, std::span<const std::optional<std::size_t>> numbers);

  // The answer of entry number `entry` that is still good: younger than its time.
  std::optional<Answer> find(std::string_view reference, std::size_t entry, TimePoint now);
  // Keeps a yes or a no in place of what the entry answered before. Any other outcome is dropped: an error is never a
  // no, and an answer that is still good stays.
  void store(std::string_view reference, std::size_t entry, const Outcome& outcome, TimePoint now);
  // A yes that turned out wrong.
  void forget(std::string_view reference, std::size_t entry);
  Statistics statistics() const;

 private:
  struct NumberedAnswer {
    std::size_t entry;
    Answer answer;
  };
  struct Kept {
    std::string reference;
    std::vector<NumberedAnswer> answers;  // in no order; never empty
  };
  using Position = std::list<Kept>::iterator;

  struct Counters {
    std::uint64_t hits = 0;
    std::uint64_t misses = 0;
    std::uint64_t evictions = 0;
  };

  bool is_good(const Answer& answer, TimePoint now) const;
  std::chrono::nanoseconds ttl_of(Outcome::Kind kind) const;
  void use(Position kept);
  Position add(std::string_view reference);
  void remove(Position kept, std::vector<NumberedAnswer>::iterator answer);
  void remove(Position kept);
  void evict();

  const Options options_;
  std::list<Kept> kept_;                                               // the one used last first
  std::unordered_map<std::string_view, Position> by_name_;             // borrows each name from its place in kept_
  std::shared_ptr<Counters> counters_ = std::make_shared<Counters>();  // shared with those taken over
};

}  // namespace shim::registry
