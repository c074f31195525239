#include "base/text.h"

#include <gtest/gtest.h>

#include <array>

namespace shim {
namespace {

using namespace std::string_view_literals;

TEST(Printable, LeavesOrdinaryTextAlone) {
  EXPECT_EQ(printable("ghcr.io/org/app:v1"), "ghcr.io/org/app:v1");
  EXPECT_EQ(printable("镜像 ✓ é 😀"), "镜像 ✓ é 😀");
  EXPECT_EQ(printable(R"(\1/"x")"), R"(\1/"x")");
  EXPECT_EQ(printable(""), "");
}

TEST(Printable, EscapesControlCharacters) {
  EXPECT_EQ(printable("a\nb\r\tc"), "a\\nb\\r\\tc");
  EXPECT_EQ(printable("\x1b[31m\x7f"), "\\x1b[31m\\x7f");
  EXPECT_EQ(printable("a\0b"sv), "a\\x00b");
  EXPECT_EQ(printable("\u0085"), "\\u0085");
}

TEST(Printable, EscapesCharactersThatMoveOrHideText) {
  EXPECT_EQ(printable("a\u202eb"), "a\\u202eb");
  EXPECT_EQ(printable("\u2028\u200b\ufeff"), "\\u2028\\u200b\\ufeff");
  EXPECT_EQ(printable("\U000E0041"), "\\U000e0041");
}

TEST(Printable, EscapesBytesThatAreNotUtf8) {
  EXPECT_EQ(printable("\xff\xc3"), "\\xff\\xc3");
  EXPECT_EQ(printable("\xc0\xaf"), "\\xc0\\xaf");                    // overlong
  EXPECT_EQ(printable("\xed\xa0\x80"), "\\xed\\xa0\\x80");           // surrogate
  EXPECT_EQ(printable("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");  // above U+10FFFF
  EXPECT_EQ(printable("\xe9\x95"), "\\xe9\\x95");                    // cut off
}

TEST(Printable, BoundsTheLengthWithoutCuttingACharacterOrAnEscape) {
  EXPECT_EQ(printable("abcdef", 6), "abcdef");
  EXPECT_EQ(printable("abcdefg", 6), "abc…");
  EXPECT_EQ(printable("ab镜像镜", 9), "ab镜…");
  EXPECT_EQ(printable("ab\x01\x01", 9), "ab\\x01…");
  EXPECT_EQ(printable(std::string(100000, '\n'), 20).size(), 19u);
  EXPECT_EQ(printable("abc", 2), "");
}

TEST(InQuotes, ShowsWhereTheInputEnds) {
  EXPECT_EQ(in_quotes("a"), "\"a\"");
  EXPECT_EQ(in_quotes("a\" is fine"), "\"a\\\" is fine\"");
  EXPECT_LE(in_quotes(std::string(1000, 'x')).size(), 130u);
}

TEST(Columns, CountsWhatATerminalShows) {
  EXPECT_EQ(columns(""), 0U);
  EXPECT_EQ(columns("harbor.local"), 12U);
  EXPECT_EQ(columns("é ✓ …"), 5U);
  EXPECT_EQ(columns("镜像"), 4U);
  EXPECT_EQ(columns("ﾊ한ハ"), 5U) << "half-width and full-width";
  EXPECT_EQ(columns("😀"), 2U);
  EXPECT_EQ(columns("e\u0301"), 1U) << "a combining mark";
}

TEST(Nearest, FindsTheKeyThatWasMeant) {
  constexpr std::array keys{"priority"sv, "address"sv, "auth"sv, "match"sv, "exclude"sv, "namespaces"sv, "tls"sv};
  EXPECT_EQ(nearest("prioritiy", keys), "priority");
  EXPECT_EQ(nearest("pirority", keys), "priority");
  EXPECT_EQ(nearest("Priority", keys), "priority");
  EXPECT_EQ(nearest("adress", keys), "address");
  EXPECT_EQ(nearest("namespace", keys), "namespaces");
  EXPECT_EQ(nearest("tsl", keys), "tls");
}

TEST(Nearest, GuessesNothingWhereNothingIsNear) {
  constexpr std::array keys{"priority"sv, "tls"sv, "a"sv};
  EXPECT_EQ(nearest("timeout", keys), std::nullopt);
  EXPECT_EQ(nearest("x", keys), std::nullopt);
  EXPECT_EQ(nearest("", keys), std::nullopt);
  EXPECT_EQ(nearest("tls", {}), std::nullopt);
  EXPECT_EQ(nearest(std::string(1 << 20, 'x'), keys), std::nullopt);
}

TEST(Nearest, TakesTheFirstOfSeveralAtTheSameDistance) {
  constexpr std::array keys{"cat"sv, "car"sv};
  EXPECT_EQ(nearest("cap", keys), "cat");
}

}  // namespace
}  // namespace shim
