#include "config/encoding.h"

#include <gtest/gtest.h>

#include <string>

namespace shim::config {
namespace {

TEST(FindInvalidUtf8, accepts_every_length_of_sequence) {
  EXPECT_EQ(find_invalid_utf8("a \u00e9 \u4e2d \U0001F600"), std::nullopt);
  EXPECT_EQ(find_invalid_utf8(""), std::nullopt);
}

TEST(FindInvalidUtf8, gives_the_place_of_what_is_not_well_formed) {
  EXPECT_EQ(find_invalid_utf8("ab\xff"), 2u);
  EXPECT_EQ(find_invalid_utf8("a\x80"), 1u);              // a continuation alone
  EXPECT_EQ(find_invalid_utf8("\xc3"), 0u);               // cut short
  EXPECT_EQ(find_invalid_utf8("\xc0\xaf"), 0u);           // overlong
  EXPECT_EQ(find_invalid_utf8("\xed\xa0\x80"), 0u);       // a surrogate
  EXPECT_EQ(find_invalid_utf8("a\xf4\x90\x80\x80"), 1u);  // above U+10FFFF
}

TEST(LineAt, counts_from_one) {
  EXPECT_EQ(line_at("a\nb\n", 0), 1);
  EXPECT_EQ(line_at("a\nb\n", 2), 2);
  EXPECT_EQ(line_at("a\nb\n", 4), 3);
}

}  // namespace
}  // namespace shim::config
