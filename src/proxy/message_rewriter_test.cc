#include "proxy/message_rewriter.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace shim::proxy {
namespace {

std::string framed(const std::string& message, bool is_compressed = false) {
  return http2::message_prefix(message.size(), is_compressed) + message;
}

std::optional<std::string> shout(const std::string& message) {
  if (message.starts_with("keep")) return std::nullopt;
  return message + "!";
}

TEST(MessageRewriter, RewritesEachMessageAndFramesItAgain) {
  MessageRewriter rewriter(100, shout);
  EXPECT_EQ(rewriter.feed(framed("one") + framed("two")), framed("one!") + framed("two!"));
}

TEST(MessageRewriter, KeepsWhatIsNotRewritten) {
  MessageRewriter rewriter(100, shout);
  EXPECT_EQ(rewriter.feed(framed("keep me") + framed("two")), framed("keep me") + framed("two!"));
}

TEST(MessageRewriter, DoesNotLookIntoCompressedMessages) {
  MessageRewriter rewriter(100, shout);
  EXPECT_EQ(rewriter.feed(framed("zip", true) + framed("two")), framed("zip", true) + framed("two!"));
}

TEST(MessageRewriter, GivesTheSameHoweverTheOctetsAreSplit) {
  const std::string in = framed("one") + framed("") + framed("zip", true);
  for (std::size_t split = 0; split <= in.size(); ++split) {
    MessageRewriter rewriter(100, shout);
    std::string out = rewriter.feed(std::string_view(in).substr(0, split)).value();
    out += rewriter.feed(std::string_view(in).substr(split)).value();
    EXPECT_EQ(out, framed("one!") + framed("!") + framed("zip", true)) << split;
  }
}

TEST(MessageRewriter, GivesNothingForAMessageThatIsTooLarge) {
  MessageRewriter rewriter(5, shout);
  EXPECT_EQ(rewriter.feed(framed("12345")), framed("12345!"));
  EXPECT_EQ(rewriter.feed(framed("123456")), std::nullopt);
}

}  // namespace
}  // namespace shim::proxy
