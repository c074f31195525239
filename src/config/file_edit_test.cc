#include "config/file_edit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/load.h"
#include "config/overlay_testing.h"
#include "config/testing.h"

namespace shim::config {
namespace {

using ::testing::HasSubstr;
using testing::overlay_of;

struct Case {
  std::string_view before;
  std::string_view overlay;  // the ConfigMap's text
  std::string_view after;
};

Expected<std::string> edited(std::string_view text, std::string_view overlay) {
  return edit(text, overlay_of(overlay), testing::overlay_environment());
}

template <std::size_t count>
void expect_edits(const Case (&cases)[count]) {
  for (const Case& c : cases) {
    const Expected<std::string> result = edited(c.before, c.overlay);
    EXPECT_EQ(result.has_value() ? *result : result.error().message, c.after) << "before:\n"
                                                                              << c.before << "\nConfigMap:\n"
                                                                              << c.overlay;
    const Expected<std::string> again = edited(c.after, c.overlay);
    EXPECT_EQ(again.has_value() ? *again : again.error().message, c.after) << "edited twice";
  }
}

std::string error_of(std::string_view text, std::string_view overlay) {
  const Expected<std::string> result = edited(text, overlay);
  EXPECT_FALSE(result.has_value()) << *result;
  return result.has_value() ? "" : result.error().message;
}

TEST(FileEdit, what_says_the_same_stays_as_it_is) {
  expect_edits({
      {"debug: true\n", "debug: true", "debug: true\n"},
      {"debug:   'yes' # on\n", "debug: true", "debug:   'yes' # on\n"},
      {"address: hub.example\nauth: u:p\n", "sealos: {auth: {username: u, password: p}}",
       "address: hub.example\nauth: u:p\n"},
      {"timeout: 60s\n", "timeout: 1m", "timeout: 60s\n"},
      {"", "debug: false\nregistries: []\ntimeout: 15m", ""},
      {"# only this", "cache: {imageCacheSize: 1024}", "# only this"},
      {"registries:\n  - {address: a.io} # flow\n", "registries:\n- address: a.io\n",
       "registries:\n  - {address: a.io} # flow\n"},
      {"cache: {imageCacheSize: 5}\n", "cache: {imageCacheSize: 5, imageCacheTTL: 30m}",
       "cache: {imageCacheSize: 5}\n"},
      {"{debug: true}", "debug: true", "{debug: true}"},
      {"debug: true\r\n", "", "debug: true\r\n"},
  });
}

TEST(FileEdit, a_scalar_is_replaced_where_it_stands) {
  expect_edits({
      {"a: 1\ndebug: false\nb: 2\n", "debug: true", "a: 1\ndebug: true\nb: 2\n"},
      {"debug: false # until May\n", "debug: true", "debug: true # until May\n"},
      {"debug:\tfalse  \n", "debug: true", "debug:\ttrue  \n"},
      {"debug: 'false'\n", "debug: true", "debug: true\n"},
      {"debug   : \"false\"\n", "debug: true", "debug   : true\n"},
      {"\"debug\": false\n'force': false\n", "debug: true\nforce: true", "\"debug\": true\n'force': true\n"},
      {"timeout:\n  3m # three\nforce: true\n", "timeout: 4m", "timeout:\n  4m # three\nforce: true\n"},
      {"timeout:\n\n  # of a pull\n  3m\n", "timeout: 4m", "timeout:\n\n  # of a pull\n  4m\n"},
      {"timeout: !!str 3m\n", "timeout: 4m", "timeout: 4m\n"},
      {"timeout: &t 3m\n", "timeout: 4m", "timeout: 4m\n"},
      {"timeout: >-\n  3m\n\nforce: true\n", "timeout: 4m", "timeout: 4m\n\nforce: true\n"},
      {"address: |-\n  hub.example\n# next\nforce: true\n", "sealos: {address: new.example}",
       "address: new.example\n# next\nforce: true\n"},
      {"address: \"hub\\\n  .example\" # folded\n", "sealos: {address: new.example}",
       "address: new.example # folded\n"},
      {"x-a: &a 3m\ntimeout: *a\n", "timeout: 4m", "x-a: &a 3m\ntimeout: 4m\n"},
  });
}

TEST(FileEdit, a_key_without_a_value_gets_one) {
  expect_edits({
      {"debug:\nforce: true\n", "debug: true", "debug: true\nforce: true\n"},
      {"debug: # unset\n", "debug: true", "debug: true # unset\n"},
      {"debug:", "debug: true", "debug: true"},
      {"debug: ~\n", "debug: true", "debug: true\n"},
      {"debug: null # unset\n", "debug: true", "debug: true # unset\n"},
      {"registries: # none\n# - address: a.io\ndebug: true\n", "registries: [{address: b.io}]",
       "registries: # none\n- address: b.io\n# - address: a.io\ndebug: true\n"},
      {"registries:", "registries: [{address: b.io}]", "registries:\n- address: b.io"},
      {"registries:\n", "registries: [{address: b.io}]\nsealos: {address: c.io}",
       "registries:\n- address: b.io\naddress: c.io\n"},
      {"cache:\n# a comment\n", "cache: {imageCacheSize: 5}", "cache:\n  imageCacheSize: 5\n# a comment\n"},
  });
}

TEST(FileEdit, a_list_is_replaced_as_a_whole) {
  expect_edits({
      {"registries:\n- address: a.io\n  priority: 5\n\n# next\ndebug: true\n",
       "registries: [{address: b.io, auth: {username: u, password: p}, priority: 600, match: [docker.io, '*.gcr.io']}]",
       "registries:\n- address: b.io\n  auth:\n    username: u\n    password: p\n  priority: 600\n  match:\n  - "
       "docker.io\n"
       "  - \"*.gcr.io\"\n\n# next\ndebug: true\n"},
      {"registries: # ours\n  # first\n  - address: a.io # inner\n  # last\n# end\n",
       "registries: [{address: b.io}, {address: c.io}]",
       "registries: # ours\n  # first\n  - address: b.io\n  - address: c.io\n  # last\n# end\n"},
      {"registries:\n- a: |\n    # text\n  address: x.io\n- address: |\n    y.io\ndebug: true\n",
       "registries: [{address: b.io}]", "registries:\n- address: b.io\ndebug: true\n"},
      {"registries: [{address: a.io}] # flow\n", "registries: [{address: b.io}]",
       "registries: # flow\n- address: b.io\n"},
      {"registries: [{address: a.io}]\n", "registries: [{address: b.io}]", "registries:\n- address: b.io\n"},
      {"registries: [\n  {address: a.io}, # one\n  {address: 'c.io'}\n] # all\ndebug: true\n",
       "registries: [{address: b.io}]", "registries: # all\n- address: b.io\ndebug: true\n"},
      {"registries:\n  [{address: a.io}]\ndebug: true\n", "registries: [{address: b.io}]",
       "registries:\n- address: b.io\ndebug: true\n"},
      {"registries: []\n", "registries: [{address: b.io}]", "registries:\n- address: b.io\n"},
      {"registries:\n- address: a.io\n- address: c.io # c\n# end\n", "registries: []", "registries: []\n# end\n"},
      {"debug: true\nregistries:\n- address: a.io", "registries: []", "debug: true\nregistries: []"},
      {"registries: &r # anchor\n- address: a.io\n", "registries: [{address: b.io}]", "registries:\n- address: b.io\n"},
      {"registries: &r\n- address: a.io\ndebug: true\n", "registries: []", "registries: []\ndebug: true\n"},
      {"registries:\n- address: a.io\n  rewrite:\n  - from: a\n    to: b", "registries: [{address: b.io}]",
       "registries:\n- address: b.io"},
      {"registries:\n- address: a.io\n-\n  address: \"c.io\" # 'c'\n- {address: d.io}\n#end",
       "registries: [{address: b.io}]", "registries:\n- address: b.io\n#end"},
  });
}

TEST(FileEdit, a_block_takes_the_place_of_a_scalar_and_the_other_way_round) {
  expect_edits({
      {"address: h.io\nauth: a:b  # old\nforce: true\n", "sealos: {auth: {username: u, password: p}}",
       "address: h.io\nauth:  # old\n  username: u\n  password: p\nforce: true\n"},
      {"address: h.io\nauth: a:b   \nforce: true\n", "sealos: {auth: {username: u, password: p}}",
       "address: h.io\nauth:\n  username: u\n  password: p\nforce: true\n"},
      {"address: h.io\nauth:\n  a:b # old\n", "sealos: {auth: {username: u, password: p}}",
       "address: h.io\nauth:\n # old\n  username: u\n  password: p\n"},
      {"auth:   # who\n    username: a\n    password: b\naddress: h.io\n", "sealos: {auth: 'u:p'}",
       "auth: u:p   # who\naddress: h.io\n"},
      {"auth:\n    username: a\n    password: b\naddress: h.io\n", "sealos: {auth: {username: u, password: p}}",
       "auth:\n    username: u\n    password: p\naddress: h.io\n"},
      {"address: h.io\nauth: {username: a, password: b}", "sealos: {auth: {username: u, password: p}}",
       "address: h.io\nauth:\n  username: u\n  password: p"},
  });
}

TEST(FileEdit, keys_of_the_cache_are_replaced_one_by_one) {
  expect_edits({
      {"cache:\n  # how many\n  imageCacheSize: 5 # five\n  disableStats: true # quiet\n# end\n",
       "cache: {imageCacheSize: 6, notFoundTTL: 1s}",
       "cache:\n  # how many\n  imageCacheSize: 6 # five\n  disableStats: true # quiet\n  notFoundTTL: 1s\n# end\n"},
      {"cache:\n    imageCacheSize: 5", "cache: {notFoundTTL: 1s}",
       "cache:\n    imageCacheSize: 5\n    notFoundTTL: 1s"},
      {"cache:\n  imageCacheSize:\ndebug: true\n", "cache: {imageCacheSize: 5}",
       "cache:\n  imageCacheSize: 5\ndebug: true\n"},
      {"cache: {imageCacheSize: 5, disableStats: true} # one line\n", "cache: {imageCacheSize: 6}",
       "cache: # one line\n  imageCacheSize: 6\n  disableStats: true\n"},
      {"x-c: &c {imageCacheSize: 5, disableStats: true}\ncache: *c\n", "cache: {imageCacheSize: 6}",
       "x-c: &c {imageCacheSize: 5, disableStats: true}\ncache:\n  imageCacheSize: 6\n  disableStats: true\n"},
      {"x-c: &c {imageCacheSize: 5}\ncache:\n  <<: *c\n  disableStats: true\n", "cache: {imageCacheSize: 6}",
       "x-c: &c {imageCacheSize: 5}\ncache:\n  <<: *c\n  disableStats: true\n  imageCacheSize: 6\n"},
      {"cache:\n  ? imageCacheSize\n  : 5\n", "cache: {imageCacheSize: 6}", "cache:\n  imageCacheSize: 6\n"},
      {"cache: &c\n  imageCacheSize: 5\n  note: {a: [1, '# 2']} # mine\nx-d: *c\n", "cache: {imageCacheSize: 6}",
       "cache: &c\n  imageCacheSize: 6\n  note: {a: [1, '# 2']} # mine\nx-d: *c\n"},
      {"cache: {}\n", "cache: {imageCacheSize: 6}", "cache:\n  imageCacheSize: 6\n"},
      {"x-b: &b {cache: {imageCacheSize: 3}}\n<<: *b\n", "cache: {notFoundTTL: 1s}",
       "x-b: &b {cache: {imageCacheSize: 3}}\n<<: *b\ncache:\n  imageCacheSize: 3\n  notFoundTTL: 1s\n"},
      {"cache: # size\r\n  imageCacheSize: 5\r\n", "cache: {notFoundTTL: 1s}",
       "cache: # size\r\n  imageCacheSize: 5\r\n  notFoundTTL: 1s\r\n"},
  });
}

TEST(FileEdit, what_the_file_lacks_is_added_at_its_end) {
  expect_edits({
      {"", "debug: true", "debug: true\n"},
      {"\n", "debug: true", "debug: true\n\n"},
      {"# a comment", "debug: true", "# a comment\ndebug: true"},
      {"force: true\n# end\n", "debug: true\ntimeout: 4m", "force: true\n# end\ndebug: true\ntimeout: 4m\n"},
      {"force: true", "debug: true\ntimeout: 4m", "force: true\ndebug: true\ntimeout: 4m"},
      {"force: true\n   ", "debug: true", "force: true\ndebug: true\n   "},
      {"force: true\n\n\n", "debug: true", "force: true\ndebug: true\n\n\n"},
      {"---\nforce: true\n...\n# after\n", "debug: true", "---\nforce: true\ndebug: true\n...\n# after\n"},
      {"%YAML 1.2\n---\nforce: true\n", "debug: true", "%YAML 1.2\n---\nforce: true\ndebug: true\n"},
      {"---\n", "debug: true", "---\ndebug: true\n"},
      {"# c\n---\n# d\n...\n", "debug: true", "# c\n---\n# d\ndebug: true\n...\n"},
      {"\xEF\xBB\xBF"
       "force: true\n",
       "debug: true",
       "\xEF\xBB\xBF"
       "force: true\ndebug: true\n"},
      {"\xEF\xBB\xBF", "debug: true",
       "\xEF\xBB\xBF"
       "debug: true\n"},
      {"  force: true\n", "debug: true\nregistries: [{address: a.io}]",
       "  force: true\n  registries:\n  - address: a.io\n  debug: true\n"},
      {"x-b: &b {debug: false}\n<<: *b\n", "debug: true", "x-b: &b {debug: false}\n<<: *b\ndebug: true\n"},
      {"x-note: |\n  debug: false\n", "debug: true", "x-note: |\n  debug: false\ndebug: true\n"},
      {"shim: /run/a.sock\n",
       "sealos: {address: 'http://hub:5000', auth: {username: u, password: p}}\nofflinePriority: 7",
       "shim: /run/a.sock\naddress: http://hub:5000\nauth:\n  username: u\n  password: p\nofflinePriority: 7\n"},
  });
}

TEST(FileEdit, line_ends_and_byte_order_mark_stay) {
  expect_edits({
      {"debug: false\r\nforce: true\r\n", "debug: true\ntimeout: 4m", "debug: true\r\nforce: true\r\ntimeout: 4m\r\n"},
      {"registries:\r\n- address: a.io\r\n- address: c.io # c\r\n\r\n# end\r\n",
       "registries: [{address: b.io}, {address: d.io}]",
       "registries:\r\n- address: b.io\r\n- address: d.io\r\n\r\n# end\r\n"},
      {"force: true\ndebug: false\r\n", "debug: true", "force: true\ndebug: true\r\n"},
      {"auth: a:b\r\naddress: h.io", "sealos: {auth: {username: u, password: p}}",
       "auth:\r\n  username: u\r\n  password: p\r\naddress: h.io"},
      {"\xEF\xBB\xBF"
       "debug: false\nforce: true\n",
       "debug: true",
       "\xEF\xBB\xBF"
       "debug: true\nforce: true\n"},
      {"\xEF\xBB\xBF"
       "registries: [{address: a.io}]",
       "registries: [{address: b.io}]",
       "\xEF\xBB\xBF"
       "registries:\n- address: b.io"},
  });
}

TEST(FileEdit, text_that_looks_like_a_key_is_none) {
  expect_edits({
      {"x-a: \"quoted\n  debug: false\n\n  more\"\ndebug: false\n", "debug: true",
       "x-a: \"quoted\n  debug: false\n\n  more\"\ndebug: true\n"},
      {"x-a: |\n debug: false\n# debug: false\ndebug: false\n", "debug: true",
       "x-a: |\n debug: false\n# debug: false\ndebug: true\n"},
      {"probe: {timeout: 3s}\ntimeout: 3m\n", "timeout: 4m", "probe: {timeout: 3s}\ntimeout: 4m\n"},
      {"address: h.io\nauth: 'u:it''s # no comment'   # one\n", "sealos: {auth: 'u:p'}",
       "address: h.io\nauth: u:p   # one\n"},
      {"registries:\n- address: a.io\n  auth: \"u:\\\" # no\n    # neither\"\n# yes\n", "registries: [{address: b.io}]",
       "registries:\n- address: b.io\n# yes\n"},
      {"\xC3\xA4: \xC3\xB6 # \xE2\x82\xAC\ndebug: false # \xC3\xBC\n", "debug: true",
       "\xC3\xA4: \xC3\xB6 # \xE2\x82\xAC\ndebug: true # \xC3\xBC\n"},
  });
}

TEST(FileEdit, variables_stay_unexpanded) {
  expect_edits({
      {"address: h.io\nauth: a:b\n",
       "sealos: {auth: {username: '${DOCKER_USERNAME}', password: '${SEALOS_PASSWORD:-x}'}}",
       "address: h.io\nauth:\n  username: ${DOCKER_USERNAME}\n  password: ${SEALOS_PASSWORD:-x}\n"},
      {"address: h.io\nauth: docker:s3cret\n", "sealos: {auth: '${DOCKER_USERNAME}:${SEALOS_PASSWORD}'}",
       "address: h.io\nauth: ${DOCKER_USERNAME}:${SEALOS_PASSWORD}\n"},
      {"address: h.io\nauth: a:b\n", "sealos: {auth: 'u:$${HOME}'}", "address: h.io\nauth: u:$${HOME}\n"},
  });
}

TEST(FileEdit, every_text_is_read_back_as_it_was) {
  for (const std::string password : {"it's",
                                     "say \"hi\"",
                                     "a # b",
                                     "a: b",
                                     ":",
                                     "-",
                                     "- a",
                                     "\xC3\xA4\xE2\x82\xAC\xF0\x9F\x90\xB3",
                                     " lead",
                                     "trail ",
                                     "null",
                                     "~",
                                     "yes",
                                     "1e3",
                                     "0x1F",
                                     "12",
                                     "12:30",
                                     "a\\b",
                                     "*a",
                                     "&a",
                                     "!a",
                                     "|",
                                     ">",
                                     "%a",
                                     "@a",
                                     "`a",
                                     "{a}",
                                     "[a]",
                                     "a,b",
                                     "?",
                                     "? a",
                                     "---",
                                     "...",
                                     "<<",
                                     "=",
                                     "a\xC2\xA0"
                                     "b",
                                     "a\xE2\x80\xA8"
                                     "b",
                                     "a\xC2\x85"
                                     "b",
                                     "\xEF\xBB\xBF"
                                     "a",
                                     "$a",
                                     "$${a}",
                                     "a:",
                                     "#",
                                     "#a",
                                     "'",
                                     "\"",
                                     "\\",
                                     "a\\nb",
                                     "%",
                                     "2024-01-01",
                                     ".5",
                                     "+1"}) {
    Overlay overlay;
    {
      std::string quoted;
      for (const char c : password) quoted += c == '\'' ? std::string("''") : std::string(1, c);
      overlay = overlay_of("sealos: {address: h.io, auth: {username: u, password: '" + quoted + "'}}");
    }
    const Expected<std::string> result = edit("force: true\n", overlay, testing::overlay_environment());
    ASSERT_TRUE(result.has_value()) << password << result.error().message;
    const Config config = parse(*result, "f", testing::overlay_environment()).config.value();
    const Config direct = parse("force: true\n", "f", testing::overlay_environment(), &overlay).config.value();
    EXPECT_EQ(config.offline->auth->password, direct.offline->auth->password) << *result;
    EXPECT_EQ(config, direct);
  }
}

TEST(FileEdit, texts_of_credentials_stay_texts_for_libraries_that_know_types) {
  expect_edits({
      {"address: h.io\n", "sealos: {auth: {username: 'yes', password: '0123'}}",
       "address: h.io\nauth:\n  username: \"yes\"\n  password: \"0123\"\n"},
  });
}

TEST(FileEdit, refuses_what_it_cannot_edit_safely_and_says_why) {
  constexpr std::string_view kAdvice = "; the file is left as it is, write the ConfigMap's values there by hand";
  const std::pair<const char*, const char*> cases[] = {
      {"{force: true}", "the file is written in braces"},
      {"? debug\n: false\n", "line 1: a key that does not begin its line"},
      {"--- {}\n", "the file is written in braces"},
      {"# a\rb\ndebug: false", "a carriage return without a line feed"},
      {"x-a: 1\x01\ndebug: false\n", "a control character"},
      {"!!str debug: false\n", "line 1: the key debug has an anchor, a tag or an alias"},
      {"debug: &d false\nforce: *d\n", "line 2 uses the anchor of line 1, in a value that is replaced"},
      {"~\n", "cannot be edited safely"},
      {"debug: 'false'\n\t\n# yaml-cpp reads no line of a tab behind a plain scalar\n", "cannot be edited safely"},
  };
  for (const auto& [text, why] : cases) {
    const std::string message = error_of(text, "debug: true");
    EXPECT_THAT(message, HasSubstr(std::string("cannot edit the configuration file: ")));
    EXPECT_THAT(message, HasSubstr(why)) << text;
    EXPECT_TRUE(message.ends_with(kAdvice)) << message;
  }
}

TEST(FileEdit, an_anchor_may_go_with_its_aliases) {
  expect_edits({
      {"debug: &d false\nforce: *d\n", "debug: true\nforce: true", "debug: true\nforce: true\n"},
  });
}

TEST(FileEdit, refuses_a_file_that_is_not_valid) {
  for (const char* text :
       {"debug: false\ndebug: false\n", "force: perhaps\n", "a: [", "a: b\n---\nc: d\n", "- a\n", "text"}) {
    EXPECT_THAT(error_of(text, "debug: true"), HasSubstr("it is not valid: the file:")) << text;
  }
}

TEST(FileEdit, repairs_a_value_that_was_not_valid) {
  expect_edits({{"debug: perhaps\nforce: true\n", "debug: true", "debug: true\nforce: true\n"}});
}

TEST(FileEdit, never_makes_a_file_that_is_too_large_to_be_read) {
  const std::string text = "debug: false\n#" + std::string(kMostFileBytes - 20, 'x') + "\n";
  EXPECT_THAT(error_of(text, "registries: [{address: a.example}]"), HasSubstr("it would be above 1048576 bytes"));
}

TEST(FileEdit, says_no_secret) {
  EXPECT_THAT(error_of("{auth: 'u:hunter2'}", "sealos: {address: h.io, auth: 'u:s3cret'}"),
              ::testing::Not(::testing::AnyOf(HasSubstr("hunter2"), HasSubstr("s3cret"))));
}

}  // namespace
}  // namespace shim::config
