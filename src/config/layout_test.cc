#include "config/layout.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace shim::config {
namespace {

std::string value_of(std::string_view text, std::string_view key) {
  const Layout layout = Layout::of(text).value();
  const Layout::Entry* entry = layout.find(key);
  return std::string(text.substr(entry->value_begin, entry->value_end - entry->value_begin));
}

TEST(Layout, a_value_ends_with_its_last_byte_and_not_with_the_comments_behind_it) {
  EXPECT_EQ(value_of("a: b # c\nd: e", "a"), "b");
  EXPECT_EQ(value_of("a: b#c\nd: e", "a"), "b#c");
  EXPECT_EQ(value_of("a: 'b # c' # d", "a"), "'b # c'");
  EXPECT_EQ(value_of("a: 'it''s' # d", "a"), "'it''s'");
  EXPECT_EQ(value_of("a: \"b\\\" # c\n # d\" # e", "a"), "\"b\\\" # c\n # d\"");
  EXPECT_EQ(value_of("a: b\n  c\n\n  d\n # e\n", "a"), "b\n  c\n\n  d");
  EXPECT_EQ(value_of("a: [b, # c\n 'd' ] # e\n", "a"), "[b, # c\n 'd' ]");
  EXPECT_EQ(value_of("a: |\n  b\n  # text\n # comment\nc: d", "a"), "|\n  b\n  # text");
  EXPECT_EQ(value_of("a: |\n# comment\nc: d", "a"), "|");
  EXPECT_EQ(value_of("a: &b !!str 'c' # d", "a"), "&b !!str 'c'");
  EXPECT_EQ(value_of("x: &d 1\na:\n- b # c\n- *d\n# e\n", "a"), "- b # c\n- *d");
  EXPECT_EQ(value_of("a:\n  b:\n    - c:\n  # d\ne: f", "a"), "b:\n    - c:");
  EXPECT_EQ(value_of("a: [!!str] # b", "a"), "[!!str]");
}

TEST(Layout, a_key_without_a_value_has_none) {
  for (const char* text : {"a:", "a:\n", "a: # b", "a:\n# b\n  # c\nd: e", "a:\n..."}) {
    EXPECT_EQ(Layout::of(text)->find("a")->form, Layout::Form::nothing) << text;
  }
}

TEST(Layout, forms_of_values) {
  const Layout layout = Layout::of("a: b\nc: [d]\ne:\n- f\ng:\n  h: i\n  'j': k\nl: *m").value_or(Layout());
  EXPECT_EQ(layout.entries.size(), 0U) << "an alias without its anchor is no YAML";
  const Layout valid = Layout::of("a: &m b\nc: [d]\ne:\n- f\ng:\n  h: i\n  'j': k\nl: *m").value();
  std::vector<Layout::Form> forms;
  for (const Layout::Entry& entry : valid.entries) forms.push_back(entry.form);
  using enum Layout::Form;
  EXPECT_THAT(forms, ::testing::ElementsAre(flow, flow, list, block, flow));
  EXPECT_EQ(valid.find("g")->entries.at(1).key, "j");
  ASSERT_EQ(valid.anchors.size(), 1U);
  EXPECT_EQ(valid.anchors[0].aliases.size(), 1U);
}

TEST(Layout, keys_are_added_behind_the_last_line_of_the_document) {
  EXPECT_EQ(Layout::of("a: b\n# c\n\n")->end, 9U);
  EXPECT_EQ(Layout::of("a: b\n...\n# c\n")->end, 5U);
  EXPECT_EQ(Layout::of("\xEF\xBB\xBF\n")->end, 3U);
  EXPECT_EQ(Layout::of("a: |\n  ....\n")->end, 12U);
}

}  // namespace
}  // namespace shim::config
