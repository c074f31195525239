#include "registry/health.h"

#include <gtest/gtest.h>

#include <string>

namespace shim::registry {
namespace {

using namespace std::chrono_literals;
using enum Health::Kind;

// Sun, 06 Nov 1994 08:49:37 GMT: the example of RFC 9110 §5.6.7.
constexpr std::chrono::sys_seconds kExample{784111777s};

Health health(int status, std::string_view retry_after = "", std::chrono::system_clock::time_point now = kExample) {
  return health_of_status(status, retry_after, now);
}
Health throttled_for(std::chrono::seconds time) {
  return {.kind = throttled, .retry_after = time};
}

TEST(Health, IsWellWhereTheRegistryAnsweredWhateverItSaid) {
  for (const int status : {200, 204, 301, 307, 400, 401, 403, 404, 405, 418, 428, 430, 451, 499}) {
    EXPECT_EQ(health(status), Health{.kind = answered}) << status;
    EXPECT_EQ(health(status, "30"), Health{.kind = answered}) << status << " is no throttling";
  }
}

TEST(Health, HasFailedWhereTheServerSaysSo) {
  for (const int status : {500, 501, 502, 503, 504, 599}) EXPECT_EQ(health(status), Health{.kind = failed}) << status;
  EXPECT_EQ(health(500, "30"), Health{.kind = failed}) << "Retry-After counts with 429 and 503 only";
}

TEST(Health, IsThrottledBy429) {
  EXPECT_EQ(health(429), Health{.kind = throttled}) << "for how long is not said";
  EXPECT_EQ(health(429, "30"), throttled_for(30s));
  EXPECT_EQ(health(429, "0"), throttled_for(0s));
}

TEST(Health, IsThrottledBy503OnlyWithATime) {
  EXPECT_EQ(health(503, "120"), throttled_for(120s));
  EXPECT_EQ(health(503, "soon"), Health{.kind = failed});
}

TEST(Health, ReadsADateInEachFormOfTheStandard) {
  for (const char* date :
       {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"}) {
    EXPECT_EQ(health(429, date, kExample - 90s), throttled_for(90s)) << date;
    EXPECT_EQ(health(503, date, kExample), throttled_for(0s)) << date;
  }
}

TEST(Health, CountsADateThatHasPassedAsNow) {
  EXPECT_EQ(health(429, "Sun, 06 Nov 1994 08:49:37 GMT", kExample + 24h), throttled_for(0s));
}

TEST(Health, NeverEndsBeforeTheDate) {
  EXPECT_EQ(health(429, "Sun, 06 Nov 1994 08:49:37 GMT", kExample - 1s - 1ms), throttled_for(2s));
}

TEST(Health, CutsATimeThatNoClockCanCount) {
  const auto longest = throttled_for(std::chrono::seconds(2147483647));
  EXPECT_EQ(health(429, "2147483648"), longest);
  EXPECT_EQ(health(429, "99999999999999999999999999"), longest);
  EXPECT_EQ(health(429, "Fri, 31 Dec 9999 23:59:59 GMT"), longest);
}

TEST(Health, TakesWhatCannotBeReadAsAbsent) {
  for (const std::string& text :
       {std::string("-1"), std::string("+1"), std::string("1.5"), std::string("30s"), std::string("0x10"),
        std::string(" "), std::string("Sun, 06 Nov 1994 08:49:37 CET"), std::string("Wed, 31 Feb 2024 00:00:00 GMT"),
        std::string("Sun, 06 Nov 1994 08:49:37 GMT, 30"), std::string("Sun, 06 Nov 1994 25:49:37 GMT"),
        std::string("1994-11-06T08:49:37Z"), std::string("30\0", 3), std::string(1 << 16, 'x')}) {
    EXPECT_EQ(health(429, text), Health{.kind = throttled}) << text.substr(0, 40);
    EXPECT_EQ(health(503, text), Health{.kind = failed}) << text.substr(0, 40);
  }
}

}  // namespace
}  // namespace shim::registry
