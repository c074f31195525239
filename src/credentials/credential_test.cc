#include "credentials/credential.h"

#include <gtest/gtest.h>

#include <string>

namespace shim::credentials {
namespace {

TEST(Password, IsTheFileWithoutTheNewlineAtItsEnd) {
  EXPECT_EQ(password_of("pass word\n").reveal(), "pass word");
  EXPECT_EQ(password_of("windows\r\n").reveal(), "windows");
  EXPECT_EQ(password_of("two\n\n").reveal(), "two\n");
  EXPECT_EQ(password_of("").reveal(), "");
}

TEST(BasicAuthorization, IsBase64OfUserAndPassword) {
  auto value = [](std::string user, std::string password) {
    return std::string(basic_authorization({.username = std::move(user),
                                            .password = Secret(std::move(password)),
                                            .password_file = {},
                                            .identity_token = {}})
                           .reveal());
  };
  EXPECT_EQ(value("Aladdin", "open sesame"), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");  // RFC 7617 §2
  EXPECT_EQ(value("a", "b"), "Basic YTpi");
  EXPECT_EQ(value("a", "bc"), "Basic YTpiYw==");
  EXPECT_EQ(value("a", "b:c"), "Basic YTpiOmM=");
  EXPECT_EQ(value("\xff", "\xfe"), "Basic /zr+");
}

}  // namespace
}  // namespace shim::credentials
