#include "base/byte_budget.h"

#include <gtest/gtest.h>

#include <optional>
#include <vector>

namespace shim {
namespace {

TEST(ByteBudget, GrantsAtOnceWhatFits) {
  ByteBudget budget(10);
  const auto hold = budget.take(10, [] { FAIL() << "nothing waits"; });
  EXPECT_FALSE(hold.is_waiting());
  EXPECT_EQ(budget.used(), 10u);
}

TEST(ByteBudget, GivesBackWhatAHoldTook) {
  ByteBudget budget(10);
  {
    const auto hold = budget.take(10, [] {});
  }
  EXPECT_EQ(budget.used(), 0u);
}

TEST(ByteBudget, GrantsInTheOrderOfAskingAndLetsNobodyOvertake) {
  ByteBudget budget(10);
  std::vector<int> granted;
  std::optional<ByteBudget::Hold> first = budget.take(8, [] {});
  const auto large = budget.take(9, [&] { granted.push_back(1); });
  const auto small = budget.take(1, [&] { granted.push_back(2); });
  EXPECT_TRUE(small.is_waiting());

  first.reset();

  EXPECT_EQ(granted, (std::vector{1, 2}));
  EXPECT_EQ(budget.used(), 10u);
}

TEST(ByteBudget, AHoldThatGivesUpWaitingLetsTheNextPass) {
  ByteBudget budget(10);
  const auto first = budget.take(6, [] {});
  std::optional<ByteBudget::Hold> large = budget.take(9, [] { FAIL() << "it has given up"; });
  bool is_granted = false;
  const auto small = budget.take(4, [&] { is_granted = true; });

  large.reset();

  EXPECT_TRUE(is_granted);
  EXPECT_EQ(budget.waiting(), 0u);
}

TEST(ByteBudget, AHoldMayOutliveTheBudget) {
  std::optional<ByteBudget> budget(std::in_place, 10);
  auto hold = budget->take(10, [] {});
  budget.reset();
  hold = {};
}

}  // namespace
}  // namespace shim
