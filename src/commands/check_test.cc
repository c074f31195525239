#include "commands/check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace shim::commands {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::StartsWith;

config::Registry registry_with(config::Auth auth, const std::string& address) {
  return {.address = image::Address::parse(address).value(), .auth = std::move(auth), .priority = {}, .routing = {}};
}

config::Config with_a_token_and_a_password() {
  config::Auth token;
  token.identity_token = Secret("refresh");
  config::Auth password;
  password.username = "robot";
  password.password = Secret("password");
  config::Config config;
  config.registries = {registry_with(token, "https://a.local"), registry_with(password, "https://b.local")};
  config.offline = registry_with(token, "http://sealos.hub:5000");
  return config;
}

TEST(IgnoredCredentials, AreIdentityTokensWithCriO) {
  EXPECT_THAT(ignored_credentials(with_a_token_and_a_password(), "cri-o"),
              ElementsAre(StartsWith("https://a.local: CRI-O ignores"), StartsWith("http://sealos.hub:5000: ")));
}

TEST(IgnoredCredentials, AreNoneWithOtherRuntimes) {
  for (const char* runtime : {"containerd", "docker", ""}) {
    EXPECT_THAT(ignored_credentials(with_a_token_and_a_password(), runtime), IsEmpty()) << runtime;
  }
}

}  // namespace
}  // namespace shim::commands
