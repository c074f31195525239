#include "kubernetes/timestamp.h"

#include <gtest/gtest.h>

namespace shim::kubernetes {
namespace {

using namespace std::chrono_literals;
using std::chrono::sys_days;
using std::chrono::sys_seconds;

constexpr sys_seconds kNoon = sys_days(2026y / 7 / 1) + 12h;

TEST(Timestamp, IsOneOfRfc3339) {
  EXPECT_EQ(parse_timestamp("2026-07-01T12:00:00Z"), kNoon);
  EXPECT_EQ(parse_timestamp("2026-07-01t12:00:00z"), kNoon);
  EXPECT_EQ(parse_timestamp("2026-07-01T14:30:00+02:30"), kNoon);
  EXPECT_EQ(parse_timestamp("2026-06-30T23:00:00-13:00"), kNoon);
  EXPECT_EQ(parse_timestamp("1970-01-01T00:00:00Z"), sys_seconds());
  EXPECT_EQ(parse_timestamp("2024-02-29T00:00:00Z"), sys_seconds(sys_days(2024y / 2 / 29)));
}

TEST(Timestamp, IsNeverLaterThanItSays) {
  EXPECT_EQ(parse_timestamp("2026-07-01T12:00:00.999999999Z"), kNoon);
  EXPECT_EQ(parse_timestamp("2026-07-01T12:00:00.5+00:00"), kNoon);
}

TEST(Timestamp, HoldsTheFarthestYears) {
  EXPECT_EQ(parse_timestamp("9999-12-31T23:59:59Z"), sys_days(9999y / 12 / 31) + 23h + 59min + 59s);
  EXPECT_EQ(parse_timestamp("0001-01-01T00:00:00Z"), sys_seconds(sys_days(1y / 1 / 1)));
}

TEST(Timestamp, IsNothingElse) {
  for (const std::string_view text :
       {"", "2026-07-01", "2026-07-01T12:00Z", "2026-07-01T12:00:00", "2026-07-01 12:00:00Z", "2026-13-01T12:00:00Z",
        "2026-02-29T12:00:00Z", "2026-07-01T24:00:00Z", "2026-07-01T12:60:00Z", "2026-07-01T12:00:60Z",
        "2026-07-01T12:00:00.Z", "2026-07-01T12:00:00Z ", "2026-07-01T12:00:00+2:00", "2026-07-01T12:00:00+0200",
        "2026-7-1T12:00:00Z", "+026-07-01T12:00:00Z", "1782907200", "null"}) {
    EXPECT_EQ(parse_timestamp(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace shim::kubernetes
