#include "registry/tally.h"

#include <gtest/gtest.h>

#include "registry/testing.h"

namespace shim::registry {
namespace {

using registry::testing::entry_at;

std::vector<Entry> entries_at(const std::vector<std::string>& addresses) {
  std::vector<Entry> entries;
  for (const std::string& address : addresses) entries.push_back(entry_at(address, 500));
  return entries;
}

TEST(Counts, GoOnWithTheirAddress) {
  Tally former(entries_at({"a.example", "b.example"}), nullptr);
  former.of(0).pulls_succeeded = 3;
  former.of(1).pulls_succeeded = 5;
  former.original().pulls_failed = 7;
  former.failed_over(former.of(1));
  const Statistics now = Tally(entries_at({"b.example", "c.example", "a.example"}), &former).statistics();
  EXPECT_EQ(now.registries.at(0).registry, "b.example");
  EXPECT_EQ(now.registries.at(0).pulls_succeeded, 5U);
  EXPECT_EQ(now.registries.at(1).pulls_succeeded, 0U);
  EXPECT_EQ(now.registries.at(2).pulls_succeeded, 3U);
  EXPECT_EQ(now.original.pulls_failed, 7U);
  EXPECT_EQ(now.failovers, 1U);
  EXPECT_EQ(now.registries.at(0).failovers, 1U);
}

TEST(Counts, AreKeptApartForTwoOfOneAddress) {
  Tally former(entries_at({"a.example", "a.example"}), nullptr);
  former.of(0).pulls_succeeded = 3;
  former.of(1).pulls_succeeded = 5;
  Tally now(entries_at({"a.example", "a.example"}), &former);
  EXPECT_EQ(now.of(0).pulls_succeeded, 3U);
  EXPECT_EQ(now.of(1).pulls_succeeded, 5U);
}

TEST(Counts, OfARemovedRegistryStayInASum) {
  Tally first(entries_at({"a.example", "b.example"}), nullptr);
  first.of(0).pulls_succeeded = 3;
  first.of(1).probes[0] = 2;
  first.of(0).failovers = 1;
  first.of(0).probe_durations.count(std::chrono::milliseconds(3));
  first.of(0).pull_durations.count(std::chrono::seconds(3));
  Tally second(entries_at({"b.example"}), &first);
  Tally third(entries_at({"a.example"}), &second);
  EXPECT_EQ(third.of(0).pulls_succeeded, 0U) << "it begins anew";
  EXPECT_EQ(third.statistics().removed.pulls_succeeded, 3U);
  EXPECT_EQ(third.statistics().removed.probes[0], 2U);
  EXPECT_EQ(third.statistics().removed.failovers, 1U);
  EXPECT_EQ(third.statistics().removed.probe_durations.sum(), std::chrono::milliseconds(3));
  EXPECT_EQ(third.statistics().removed.pull_durations.total(), 1U);
  EXPECT_EQ(summary_line(third.statistics()), "cache: size=0 hits=0 misses=0 evictions=0 pulls=3 failovers=0 open=0");
}

TEST(Counts, TakeInWhatFormerPullsStillDo) {
  Tally first(entries_at({"a.example", "b.example"}), nullptr);
  Tally second(entries_at({"a.example"}), &first);
  Tally third(entries_at({"a.example"}), &second);
  ++first.of(0).pulls_succeeded;
  ++first.of(1).pulls_succeeded;
  first.failed_over(first.of(1));
  EXPECT_EQ(third.of(0).pulls_succeeded, 1U);
  EXPECT_EQ(third.statistics().removed.pulls_succeeded, 1U);
  EXPECT_EQ(third.statistics().failovers, 1U);
}

}  // namespace
}  // namespace shim::registry
