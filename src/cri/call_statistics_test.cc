#include "cri/call_statistics.h"

#include <gtest/gtest.h>

#include <chrono>

namespace shim::cri {
namespace {

using namespace std::chrono_literals;
using http2::StatusCode;

TEST(CallStatistics, HasOneSeriesForEachMethodAndCode) {
  CallStatistics calls;
  const auto pull = CallStatistics::number_of("PullImage");

  calls.count(pull, StatusCode::ok, 2s);
  calls.count(pull, StatusCode::ok, 3s);
  calls.count(pull, StatusCode::not_found, 1ms);

  const auto series = calls.series();
  ASSERT_EQ(series.size(), 2);
  EXPECT_EQ(series[0].method, "PullImage");
  EXPECT_EQ(series[0].code, "OK");
  EXPECT_EQ(series[0].durations.total(), 2);
  EXPECT_EQ(series[0].durations.sum(), 5s);
  EXPECT_EQ(series[1].code, "NOT_FOUND");
}

TEST(CallStatistics, HasNothingBeforeTheFirstCall) {
  EXPECT_TRUE(CallStatistics().series().empty());
}

TEST(CallStatistics, CountsEveryMethodThatCriDoesNotHaveAsOneMethod) {
  CallStatistics calls;

  for (const char* method : {"", "A", "PullImag", "PullImages", "zzz", "../PullImage"}) {
    calls.count(CallStatistics::number_of(method), StatusCode::unimplemented, 1ms);
  }

  ASSERT_EQ(calls.series().size(), 1);
  EXPECT_EQ(calls.series()[0].method, "other");
  EXPECT_EQ(calls.series()[0].durations.total(), 6);
}

TEST(CallStatistics, CountsEveryCodeThatGrpcDoesNotDefineAsOneCode) {
  CallStatistics calls;

  for (const int code : {17, 99, -1, 2'000'000'000}) {
    calls.count(CallStatistics::number_of("Status"), static_cast<StatusCode>(code), 1ms);
  }

  ASSERT_EQ(calls.series().size(), 1);
  EXPECT_EQ(calls.series()[0].code, "other");
}

TEST(CallStatistics, KnowsTheFirstAndTheLastOfItsMethods) {
  EXPECT_LT(CallStatistics::number_of("Attach"), CallStatistics::kMethods);
  EXPECT_LT(CallStatistics::number_of("Version"), CallStatistics::kMethods);
}

}  // namespace
}  // namespace shim::cri
