#include "config/emit.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace shim::config {
namespace {

// The first value of a block of one key, written again.
std::string emitted(std::string_view text) {
  Diagnostics diagnostics("");
  const std::optional<Document> document = Document::parse(text, diagnostics);
  const Node::Member& member = document->root().members.at(0);
  return fmt::format("{}\n", fmt::join(emit_member(member.key, *member.value, 0), "\n"));
}

TEST(Emit, plain_where_that_is_the_same) {
  for (const char* line :
       {"a: b", "a: http://hub:5000/x", "a: ${A:-b}", "a: 5", "a: -5", "a: true", "a: []", "a: {}"}) {
    EXPECT_EQ(emitted(line), line == std::string("a: -5") ? "a: \"-5\"\n" : line + std::string("\n"));
  }
}

TEST(Emit, quoted_where_plain_would_be_something_else) {
  EXPECT_EQ(emitted("a: 'null'"), "a: \"null\"\n");
  EXPECT_EQ(emitted("a: ''"), "a: \"\"\n");
  EXPECT_EQ(emitted("a: 'b: c'"), "a: \"b: c\"\n");
  EXPECT_EQ(emitted("a: \"\\x07\\n\\t\\\\\\\"\\u2028\\x85\""), "a: \"\\x07\\n\\t\\\\\\\"\\u2028\\u0085\"\n");
  EXPECT_EQ(emitted("'a b': c"), "\"a b\": c\n");
}

TEST(Emit, credentials_that_look_like_numbers_or_flags_are_quoted) {
  EXPECT_EQ(emitted("auth: {username: yes, password: 1e3, other: 1e3}"),
            "auth:\n  username: \"yes\"\n  password: \"1e3\"\n  other: 1e3\n");
}

TEST(Emit, lists_stand_at_the_indent_of_their_key) {
  EXPECT_EQ(emitted("a: [b, {c: [d], e: {f: g}}, [h, [i]], ~, {}]"),
            "a:\n- b\n- c:\n  - d\n  e:\n    f: g\n- - h\n  - - i\n- null\n- {}\n");
}

TEST(Emit, members_that_are_null_are_left_out) {
  EXPECT_EQ(emitted("a: {b: , c: d}"), "a:\n  c: d\n");
  EXPECT_EQ(emitted("a: {b: }"), "a: {}\n");
}

}  // namespace
}  // namespace shim::config
