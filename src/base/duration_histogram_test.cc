#include "base/duration_histogram.h"

#include <gtest/gtest.h>

namespace shim {
namespace {

using namespace std::chrono_literals;

constexpr std::array<DurationHistogram::Duration, 2> kBounds = {10ms, 1s};

TEST(DurationHistogram, CountsADurationOnABoundBelowIt) {
  DurationHistogram histogram(kBounds);

  histogram.count(10ms);

  EXPECT_EQ(histogram.in_bucket(0), 1);
  EXPECT_EQ(histogram.total(), 1);
}

TEST(DurationHistogram, CountsWhatIsOverAllBoundsInTheLastBucket) {
  DurationHistogram histogram(kBounds);

  histogram.count(1h);

  EXPECT_EQ(histogram.in_bucket(2), 1);
}

TEST(DurationHistogram, SumsTheDurations) {
  DurationHistogram histogram(kBounds);

  histogram.count(1ms);
  histogram.count(2s);

  EXPECT_EQ(histogram.sum(), 2001ms);
}

TEST(DurationHistogram, TakesInWhatAnotherHasCounted) {
  DurationHistogram histogram(kBounds);
  DurationHistogram other(kBounds);
  histogram.count(1ms);
  other.count(1ms);
  other.count(500ms);

  histogram.add(other);

  EXPECT_EQ(histogram.in_bucket(0), 2);
  EXPECT_EQ(histogram.in_bucket(1), 1);
  EXPECT_EQ(histogram.sum(), 502ms);
}

}  // namespace
}  // namespace shim
