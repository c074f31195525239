#include "kubernetes/bearer_token.h"

#include <gtest/gtest.h>

namespace shim::kubernetes {
namespace {

std::string token_of(std::string_view text) {
  const auto token = bearer_token(text);
  return token ? std::string(token->reveal()) : "error: " + token.error().message;
}

TEST(BearerToken, IsWithoutTheSpaceAroundIt) {
  EXPECT_EQ(token_of("\n abc.def-_=\r\n"), "abc.def-_=");
}

TEST(BearerToken, ThatIsEmptyIsAnError) {
  EXPECT_EQ(token_of(""), "error: is empty");
  EXPECT_EQ(token_of(" \n"), "error: is empty");
}

TEST(BearerToken, PutsNoFieldOfItsOwnIntoARequest) {
  for (const std::string_view text : {"a\r\nX-Evil: 1", "a b", "a\tb", "\xc3\xa9", "a\x7f"}) {
    EXPECT_EQ(token_of(text), "error: holds a character that no token has");
  }
}

TEST(BearerToken, HasItsSchemeInTheField) {
  EXPECT_EQ(bearer_authorization(Secret("abc")).reveal(), "Bearer abc");
}

}  // namespace
}  // namespace shim::kubernetes
