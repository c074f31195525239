// How many durations were at most as long as each of a few bounds, and their sum: what a Prometheus histogram is made
// of. Plain numbers; counting allocates nothing. Not thread-safe.
#pragma once

#include <array>
#include <cassert>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>

namespace shim {

class DurationHistogram {
 public:
  using Duration = std::chrono::nanoseconds;
  static constexpr std::size_t kMaxBounds = 15;

  // REQUIRES: `bounds` ascend, are at most kMaxBounds, and live as long as the program.
  explicit DurationHistogram(std::span<const Duration> bounds) : bounds_(bounds) {
    assert(bounds.size() <= kMaxBounds);
  }

  void count(Duration duration) {
    std::size_t bucket = 0;
    while (bucket < bounds_.size() && duration > bounds_[bucket]) ++bucket;
    ++counts_[bucket];
    sum_ += duration;
  }
  // What `other`, of the same bounds, has counted is counted here as well.
  void add(const DurationHistogram& other) {
    for (std::size_t bucket = 0; bucket < counts_.size(); ++bucket) counts_[bucket] += other.counts_[bucket];
    sum_ += other.sum_;
  }

  std::span<const Duration> bounds() const { return bounds_; }
  // Of those that are over bounds()[bucket - 1] and not over bounds()[bucket]; the last one has no upper bound.
  std::uint64_t in_bucket(std::size_t bucket) const { return counts_[bucket]; }
  std::uint64_t total() const {
    std::uint64_t total = 0;
    for (const std::uint64_t count : counts_) total += count;
    return total;
  }
  Duration sum() const { return sum_; }

 private:
  std::span<const Duration> bounds_;
  std::array<std::uint64_t, kMaxBounds + 1> counts_{};
  Duration sum_{0};
};

}  // namespace shim
