#include "observe/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

namespace shim::observe {
namespace {

using namespace std::chrono_literals;
using registry::RegistryStatistics;
using testing::HasSubstr;
using testing::Not;

class Metrics : public testing::Test {
 protected:
  RegistryStatistics& add_registry(const std::string& address) {
    return readings_.registries.registries.emplace_back(RegistryStatistics{.registry = address});
  }
  std::string text() const { return metrics_text(readings_); }

  cri::CallStatistics calls_;
  Readings readings_{.version = "1.2.3", .calls = calls_};
};

TEST_F(Metrics, HaveAHelpAndATypeEach) {
  EXPECT_THAT(text(), HasSubstr("# HELP image_cri_shim_runtime_up Whether the container runtime answers: 1 or 0.\n"
                                "# TYPE image_cri_shim_runtime_up gauge\n"
                                "image_cri_shim_runtime_up 0\n"));
}

TEST_F(Metrics, NameTheRuntimeOnlyWhereItSaysItsName) {
  EXPECT_THAT(text(), Not(HasSubstr("runtime_info")));
  readings_.runtime_name = "containerd";
  readings_.runtime_version = "1.6.20";
  EXPECT_THAT(text(), HasSubstr("image_cri_shim_runtime_info{name=\"containerd\",version=\"1.6.20\"} 1\n"));
}

TEST_F(Metrics, CountCallsInBucketsThatHoldAllBelowTheirBound) {
  calls_.count(cri::CallStatistics::number_of("PullImage"), http2::StatusCode::ok, 2s);
  calls_.count(cri::CallStatistics::number_of("PullImage"), http2::StatusCode::ok, 1ms);
  const std::string all = text();
  EXPECT_THAT(all, HasSubstr("call_duration_seconds_bucket{method=\"PullImage\",code=\"OK\",le=\"0.0005\"} 0\n"));
  EXPECT_THAT(all, HasSubstr("call_duration_seconds_bucket{method=\"PullImage\",code=\"OK\",le=\"0.001\"} 1\n"));
  EXPECT_THAT(all, HasSubstr("call_duration_seconds_bucket{method=\"PullImage\",code=\"OK\",le=\"1\"} 1\n"));
  EXPECT_THAT(all, HasSubstr("call_duration_seconds_bucket{method=\"PullImage\",code=\"OK\",le=\"+Inf\"} 2\n"));
  EXPECT_THAT(all, HasSubstr("call_duration_seconds_sum{method=\"PullImage\",code=\"OK\"} 2.001"));
  EXPECT_THAT(all, HasSubstr("call_duration_seconds_count{method=\"PullImage\",code=\"OK\"} 2\n"));
}

TEST_F(Metrics, SumEntriesOfOneAddress) {
  add_registry("https://a.local").pulls_succeeded = 2;
  add_registry("https://b.local").pulls_succeeded = 3;
  add_registry("https://a.local").pulls_succeeded = 5;
  EXPECT_THAT(text(), HasSubstr("pulls_total{registry=\"https://a.local\",result=\"success\"} 7\n"));
  EXPECT_THAT(text(), HasSubstr("pulls_total{registry=\"https://b.local\",result=\"success\"} 3\n"));
}

TEST_F(Metrics, SayThatABreakerIsOpenWhereOneOfAnAddressIs) {
  add_registry("https://a.local");
  add_registry("https://a.local").breaker.is_open = true;
  EXPECT_THAT(text(), HasSubstr("registry_breaker_open{registry=\"https://a.local\"} 1\n"));
}

TEST_F(Metrics, HaveTheOriginalReferencesAndTheRemovedRegistriesBesideTheConfigured) {
  readings_.registries.original.pulls_failed = 2;
  readings_.registries.removed.failovers = 3;
  const std::string all = text();
  EXPECT_THAT(all, HasSubstr("pulls_total{registry=\"(original)\",result=\"failure\"} 2\n"));
  EXPECT_THAT(all, HasSubstr("failovers_total{registry=\"(removed)\"} 3\n"));
  EXPECT_THAT(all, Not(HasSubstr("breaker_open{registry=\"(")));
  EXPECT_THAT(all, Not(HasSubstr("probes_total{registry=\"(original)")));
}

TEST_F(Metrics, HaveAHistogramOfARegistryFromItsFirstEventOn) {
  RegistryStatistics& registry = add_registry("https://a.local");
  EXPECT_THAT(text(), Not(HasSubstr("probe_duration_seconds")));
  registry.probe_durations.count(3ms);
  EXPECT_THAT(text(), HasSubstr("probe_duration_seconds_count{registry=\"https://a.local\"} 1\n"));
}

TEST_F(Metrics, EscapeWhatALabelMayHold) {
  readings_.runtime_name = "a\"b\\c\nd";
  EXPECT_THAT(text(), HasSubstr(R"(runtime_info{name="a\"b\\c\nd",version=""} 1)"));
}

TEST_F(Metrics, SayNothingOfAConfigMapThatIsNotFollowed) {
  EXPECT_THAT(text(), Not(HasSubstr("configmap_")));
  readings_.config_map.emplace().phase = kubernetes::WatchStatus::Phase::polling;
  EXPECT_THAT(text(), HasSubstr("configmap_watch_up 1\n"));
  EXPECT_THAT(text(), HasSubstr("configmap_last_success_timestamp_seconds 0\n"));
  readings_.config_map->phase = kubernetes::WatchStatus::Phase::pausing;
  EXPECT_THAT(text(), HasSubstr("configmap_watch_up 0\n"));
}

TEST_F(Metrics, HaveNoSeriesTwice) {
  add_registry("https://a.local");
  add_registry("https://a.local");
  const std::string all = text();
  const std::string series = "failovers_total{registry=\"https://a.local\"}";
  EXPECT_EQ(all.find(series), all.rfind(series));
}

}  // namespace
}  // namespace shim::observe
