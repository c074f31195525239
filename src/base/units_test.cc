#include "base/units.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>
#include <utility>
#include <vector>

namespace shim {
namespace {

using namespace std::chrono_literals;
using std::chrono::nanoseconds;

TEST(ParseDuration, ReadsWhatGoReads) {
  const std::vector<std::pair<std::string_view, nanoseconds>> rows = {
      {"0", 0ns},
      {"0s", 0ns},
      {"5s", 5s},
      {"15m", 15min},
      {"1m30s", 90s},
      {"500ms", 500ms},
      {"1.5h", 90min},
      {".5s", 500ms},
      {"5.s", 5s},
      {"+5s", 5s},
      {"10us", 10us},
      {"10µs", 10us},
      {"10μs", 10us},
      {"7ns", 7ns},
      {"1h2m3s4ms5us6ns", 3723004005006ns},
      {"20m0s", 20min},
      {"72h", 72h},
      {"0.1s", 100ms},
      {"0.000000001s", 1ns},
      {"0.9999999999s", 999999999ns},
      {"1s1m", 61s},
      {"007s", 7s},
      {"2562047h47m16.854775807s", nanoseconds::max()},
  };
  for (const auto& [text, expected] : rows) {
    const auto duration = parse_duration(text);
    ASSERT_TRUE(duration) << text << ": " << duration.error().message;
    EXPECT_EQ(duration->count(), expected.count()) << text;
  }
}

TEST(ParseDuration, RefusesEverythingElse) {
  for (const std::string_view text : {"",
                                      "5",
                                      "s",
                                      "-5s",
                                      "+",
                                      "5 s",
                                      " 5s",
                                      "5s ",
                                      "5d",
                                      "5S",
                                      "1h30",
                                      ".s",
                                      ".",
                                      "1e3s",
                                      "0x5s",
                                      "5m-3s",
                                      "1..5s",
                                      "9223372036854775808ns",
                                      "2562047h47m16.854775808s",
                                      "99999999999999999999h",
                                      "五s"}) {
    EXPECT_FALSE(parse_duration(text)) << text;
  }
}

TEST(ParseDuration, SaysWhatWasExpected) {
  EXPECT_EQ(parse_duration("15").error().message,
            "expected a duration such as 15m, 1m30s or 500ms, got \"15\": a unit is missing (ns, us, ms, s, m or h)");
}

TEST(FormatDuration, PrintsAsGoDoes) {
  const std::vector<std::pair<nanoseconds, std::string_view>> rows = {
      {0ns, "0s"},
      {1ns, "1ns"},
      {1100ns, "1.1µs"},
      {2200us, "2.2ms"},
      {150ms, "150ms"},
      {2s, "2s"},
      {3300ms, "3.3s"},
      {5min, "5m0s"},
      {20min, "20m0s"},
      {245001ms, "4m5.001s"},
      {1h, "1h0m0s"},
      {90min, "1h30m0s"},
      {18367001ms, "5h6m7.001s"},
      {480000000001ns, "8m0.000000001s"},
      {72h, "72h0m0s"},
      {-90s, "-1m30s"},
      {nanoseconds::max(), "2562047h47m16.854775807s"},
      {nanoseconds::min(), "-2562047h47m16.854775808s"},
  };
  for (const auto& [duration, expected] : rows) EXPECT_EQ(format_duration(duration), expected);
}

TEST(FormatDuration, IsReadBackExactly) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 20000; ++i) {
    const nanoseconds duration(static_cast<std::int64_t>(random() >> (1 + random() % 63)));
    EXPECT_EQ(parse_duration(format_duration(duration)), duration) << format_duration(duration);
  }
}

TEST(ParseSize, ReadsKubernetesQuantities) {
  const std::vector<std::pair<std::string_view, std::uint64_t>> rows = {
      {"0", 0},
      {"4096", 4096},
      {"16Mi", 16777216},
      {"64Ki", 65536},
      {"1Gi", 1073741824},
      {"10M", 10000000},
      {"2k", 2000},
      {"1.5Gi", 1610612736},
      {".5Ki", 512},
      {"1.0", 1},
      {"15Ei", 15ULL << 60},
      {"15.9Ei", 18331451923248866918ULL},
      {"18E", 18000000000000000000ULL},
      {"18446744073709551615", std::numeric_limits<std::uint64_t>::max()},
  };
  for (const auto& [text, expected] : rows) {
    const auto size = parse_size(text);
    ASSERT_TRUE(size) << text << ": " << size.error().message;
    EXPECT_EQ(*size, expected) << text;
  }
}

TEST(ParseSize, RefusesEverythingElse) {
  for (const std::string_view text : {"", "Mi", "-1", "16MB", "16mi", "16MiB", "1K", "16 Mi", " 1", "1 ", "1e3", "100m",
                                      "16Ei", "18446744073709551616", "0x10", "1.2.3"}) {
    EXPECT_FALSE(parse_size(text)) << text;
  }
}

TEST(FormatSize, IsTheShortestExactForm) {
  EXPECT_EQ(format_size(0), "0");
  EXPECT_EQ(format_size(1000), "1000");
  EXPECT_EQ(format_size(1 << 24), "16Mi");
  EXPECT_EQ(format_size(1536 * 1024), "1536Ki");
  EXPECT_EQ(format_size(1ULL << 60), "1Ei");
}

TEST(FormatSize, IsReadBackExactly) {
  std::mt19937_64 random(2);
  for (int i = 0; i < 20000; ++i) {
    const std::uint64_t size = random() >> (random() % 64) << (random() % 40);
    EXPECT_EQ(parse_size(format_size(size)), size);
  }
}

}  // namespace
}  // namespace shim
