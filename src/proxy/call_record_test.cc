#include "proxy/call_record.h"

#include <gtest/gtest.h>

namespace shim::proxy {
namespace {

using http2::StatusCode;

TEST(CallRecord, CountsACallWithItsFirstEndAlone) {
  cri::CallStatistics statistics;

  {
    CallRecord record(statistics, "Version");
    record.end(StatusCode::ok);
    record.end(StatusCode::internal);
  }

  ASSERT_EQ(statistics.series().size(), 1);
  EXPECT_EQ(statistics.series()[0].code, "OK");
  EXPECT_EQ(statistics.series()[0].durations.total(), 1);
}

TEST(CallRecord, CountsACallThatNobodyEndedAsCancelled) {
  cri::CallStatistics statistics;

  {
    const CallRecord record(statistics, "Version");
  }

  ASSERT_EQ(statistics.series().size(), 1);
  EXPECT_EQ(statistics.series()[0].code, "CANCELLED");
}

TEST(CallRecord, IsCountedOnceWhereItWasHandedOn) {
  cri::CallStatistics statistics;

  {
    CallRecord record(statistics, "Version");
    CallRecord next(std::move(record));
    next.end(StatusCode::ok);
  }

  ASSERT_EQ(statistics.series().size(), 1);
  EXPECT_EQ(statistics.series()[0].durations.total(), 1);
}

}  // namespace
}  // namespace shim::proxy
