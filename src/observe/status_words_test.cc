#include "observe/status_words.h"

#include <gtest/gtest.h>

#include "observe/status_testing.h"

namespace shim::observe {
namespace {

using namespace std::chrono_literals;

TEST(ADuration, IsAsExactAsAnybodyNeedsIt) {
  EXPECT_EQ(short_duration(0ms), "<1ms");
  EXPECT_EQ(short_duration(150ms), "150ms");
  EXPECT_EQ(short_duration(1234ms), "1.2s");
  EXPECT_EQ(short_duration(59s), "59s");
  EXPECT_EQ(short_duration(119s), "1m");
  EXPECT_EQ(short_duration(3h + 59min), "3h");
  EXPECT_EQ(short_duration(73h), "3d");
}

TEST(AnAge, IsNowForWhatAClockThatWasSetBackPutsIntoTheFuture) {
  const Status::Time now{1h};
  EXPECT_EQ(age(now - 12s, now), "12s ago");
  EXPECT_EQ(age(now + 1h, now), "now");
}

TEST(ALatency, HasTwoDigitsBelowTenMilliseconds) {
  EXPECT_EQ(latency_text(840us), "0.84ms");
  EXPECT_EQ(latency_text(9'400us), "9.4ms");
  EXPECT_EQ(latency_text(12'345us), "12ms");
}

TEST(ARegistrysReason, SaysForHowLongItIsLeftOutAndWhenItIsCheckedNext) {
  Status::Registry registry = status_where_all_is_well().registries[0];
  EXPECT_EQ(reason_text(registry), "");
  registry.state = Status::Registry::State::left_out;
  registry.reason = "connection refused";
  registry.open_for = 12s;
  registry.next_check = 3s;
  EXPECT_EQ(reason_text(registry), "connection refused; for 12s, next check in 3s");
  registry.next_check.reset();
  EXPECT_EQ(reason_text(registry), "connection refused; for 12s, being checked");
}

TEST(ARuntime, NeedNotSayWhatItIs) {
  EXPECT_EQ(runtime_text({.name = "containerd", .version = "1.7", .cri_version = "v1"}), "containerd 1.7, CRI v1");
  EXPECT_EQ(runtime_text({}), "answers, and does not say what it is");
  EXPECT_EQ(runtime_text({.problem = "gone"}), "does not answer");
}

TEST(ACache, MayBeOff) {
  EXPECT_EQ(cache_text({}), "off");
  EXPECT_EQ(cache_text({.references = 3, .capacity = 10, .hits = 3, .misses = 1}),
            "3 of 10 images, 3 hits, 1 misses (75 %)");
}

TEST(AConfigMap, IsToldInAFewWords) {
  Status::ConfigMap map = status_where_all_is_well().configuration.config_map;
  const Status::Time now = status_where_all_is_well().time;
  EXPECT_EQ(config_map_text(map, now), "kube-system/image-cri-shim: followed, seen 5s ago");
  map.problem = "timeout: expected a duration";
  EXPECT_EQ(config_map_text(map, now), "kube-system/image-cri-shim: followed, seen 5s ago, refused");
  map.state = Status::ConfigMap::State::disabled;
  EXPECT_EQ(config_map_text(map, now), "not followed (configMap.enabled: false)");
}

TEST(TheConclusion, CountsWhatNeedsAttention) {
  EXPECT_EQ(conclusion({}), "all is well");
  EXPECT_EQ(conclusion({{}}), "1 thing needs attention");
  EXPECT_EQ(conclusion({{}, {}}), "2 things need attention");
}

}  // namespace
}  // namespace shim::observe
