#include "kubernetes/known_sight.h"

#include <gtest/gtest.h>

#include <string>

namespace shim::kubernetes {
namespace {

TEST(KnownSight, IsNewsOnceForEachText) {
  KnownSight known;
  EXPECT_TRUE(known.is_news(Present{"a", "1"}));
  EXPECT_FALSE(known.is_news(Present{"a", "2"}));
  EXPECT_TRUE(known.is_news(Present{"b", "3"}));
  EXPECT_TRUE(known.is_news(Present{std::nullopt, "4"}));
  EXPECT_TRUE(known.is_news(Present{"", "5"}));
}

TEST(KnownSight, IsNewsOnceWhereThereIsNone) {
  KnownSight known;
  EXPECT_TRUE(known.is_news(Absent{}));
  EXPECT_FALSE(known.is_news(Absent{}));
  EXPECT_TRUE(known.is_news(Present{"a", "1"}));
  EXPECT_TRUE(known.is_news(Absent{}));
}

TEST(KnownSight, IsNewsOnceForEachReason) {
  KnownSight known;
  EXPECT_TRUE(known.is_news(Unknown{"refused"}));
  EXPECT_TRUE(known.is_news(Unknown{"timed out"}));
  EXPECT_FALSE(known.is_news(Unknown{"refused"}));
  known.forget_reasons();
  EXPECT_TRUE(known.is_news(Unknown{"refused"}));
}

TEST(KnownSight, StaysWhereNothingIsKnownForAWhile) {
  KnownSight known;
  known.is_news(Present{"a", "1"});
  known.is_news(Unknown{"refused"});
  EXPECT_FALSE(known.is_news(Present{"a", "2"}));
}

TEST(KnownSight, KeepsNoEndlessListOfReasons) {
  KnownSight known;
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(known.is_news(Unknown{std::to_string(i)}));
}

}  // namespace
}  // namespace shim::kubernetes
