#include "commands/text_layout.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/text.h"

namespace shim::commands {
namespace {

using ::testing::ElementsAre;

TEST(WrappedText, BreaksAtWordsOnly) {
  EXPECT_THAT(wrapped("one two three", 7), ElementsAre("one two", "three"));
  EXPECT_THAT(wrapped("muchtoolong x", 4), ElementsAre("muchtoolong", "x"));
  EXPECT_THAT(wrapped("one two three", 0), ElementsAre("one two three"));
}

TEST(AParagraph, HangsBelowItsFirstLine) {
  EXPECT_EQ(paragraph("one two three", Tone::plain, {.columns = 9}, 2), "one two\n  three\n");
}

TEST(AParagraph, HasColoursWhereTheTerminalHas) {
  EXPECT_EQ(paragraph("x", Tone::bad, {}), "x\n");
  EXPECT_EQ(paragraph("x", Tone::bad, {.has_colours = true}), "\x1b[31mx\x1b[0m\n");
}

TEST(ShortenedText, ShowsThatSomethingIsMissing) {
  EXPECT_EQ(shortened("abc", 3), "abc");
  EXPECT_EQ(shortened("abcd", 3), "ab…");
  EXPECT_EQ(columns(shortened("日本語", 4)), 3U) << "no character is cut in two";
}

}  // namespace
}  // namespace shim::commands
