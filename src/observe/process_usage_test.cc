#include "observe/process_usage.h"

#include <gtest/gtest.h>

namespace shim::observe {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kStat =
    "4711 (a (b) c) S 1 4711 4711 0 -1 4194560 1000 0 0 0 250 50 0 0 20 0 3 0 12345 104857600 2000 "
    "18446744073709551615";

TEST(ProcessUsage, IsReadFromTheLineOfTheKernel) {
  const auto usage = parse_process_stat(kStat, 100, 4096);

  ASSERT_TRUE(usage);
  EXPECT_EQ(usage->cpu_time, 3s);
  EXPECT_EQ(usage->virtual_memory, 104857600);
  EXPECT_EQ(usage->resident_memory, 2000 * 4096);
  EXPECT_EQ(usage->started_after_boot, 123450ms);
}

TEST(ProcessUsage, IsNothingWhereTheLineIsAnother) {
  EXPECT_FALSE(parse_process_stat("", 100, 4096));
  EXPECT_FALSE(parse_process_stat("4711 (name) S 1 2 3", 100, 4096));
}

TEST(ProcessUsage, OfThisProcessIsKnown) {
  const auto usage = process_usage();

  ASSERT_TRUE(usage);
  EXPECT_GT(usage->resident_memory, 0);
  EXPECT_LE(start_time(*usage), std::chrono::system_clock::now());
  EXPECT_GT(start_time(*usage), std::chrono::system_clock::now() - 24h);
  EXPECT_GE(open_descriptors().value_or(0), 3);
}

}  // namespace
}  // namespace shim::observe
