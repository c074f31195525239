#include "registry/token.h"

#include <gtest/gtest.h>

#include "registry/token_request.h"

namespace shim::registry {
namespace {

using namespace std::chrono_literals;

Entry entry_at(const char* address) {
  return {.address = image::Address::parse(address).value()};
}

bool is_trusted(const char* address, const char* realm) {
  return trusted_realm(realm, entry_at(address)).has_value();
}

TEST(TokenAnswer, HasATokenUnderEitherName) {
  EXPECT_EQ(parse_token(R"({"token":"a","access_token":"b"})")->value.reveal(), "a");
  EXPECT_EQ(parse_token(R"({"access_token":"b"})")->value.reveal(), "b");
  EXPECT_EQ(parse_token(R"({"token":"","access_token":"b"})")->value.reveal(), "b");
}

TEST(TokenAnswer, LivesForAMinuteUnlessItSaysOtherwise) {
  EXPECT_EQ(parse_token(R"({"token":"a"})")->lifetime, 60s);
  EXPECT_EQ(parse_token(R"({"token":"a","expires_in":300})")->lifetime, 300s);
  EXPECT_EQ(parse_token(R"({"token":"a","expires_in":1e300})")->lifetime, 24h);
  EXPECT_EQ(parse_token(R"({"token":"a","expires_in":-5})")->lifetime, 0s);
  EXPECT_EQ(parse_token(R"({"token":"a","expires_in":"soon"})")->lifetime, 60s);
}

TEST(TokenAnswer, WithoutAUsableTokenIsAnError) {
  for (const char* text : {"", "null", "[]", "{}", R"({"token":5})", R"({"token":"a b"})", R"({"token":"a\r\nX: y"})",
                           R"({"token":{"token":"a"}})", "<html>"}) {
    EXPECT_FALSE(parse_token(text)) << text;
  }
}

class Cache : public testing::Test {
 protected:
  static TokenKey key(const char* scope, const char* password = "p") {
    return {.realm = "https://a/token",
            .service = "s",
            .scope = scope,
            .credential = {.username = "u", .password = Secret(password)}};
  }

  TokenCache cache_{2};
  Clock::time_point now_ = Clock::time_point() + 1h;
};

TEST_F(Cache, GivesATokenUntilItExpires) {
  cache_.store(key("a"), Secret("token"), now_ + 10s);
  EXPECT_TRUE(cache_.find(key("a"), now_ + 9s));
  EXPECT_FALSE(cache_.find(key("a"), now_ + 10s));
}

TEST_F(Cache, GivesATokenToItsOwnCredentialAndScopeOnly) {
  cache_.store(key("a"), Secret("token"), now_ + 10s);
  EXPECT_FALSE(cache_.find(key("b"), now_));
  EXPECT_FALSE(cache_.find(key("a", "another password"), now_));
}

TEST_F(Cache, DropsTheTokenThatExpiresNextWhereItIsFull) {
  cache_.store(key("a"), Secret("1"), now_ + 30s);
  cache_.store(key("b"), Secret("2"), now_ + 10s);
  cache_.store(key("c"), Secret("3"), now_ + 20s);
  EXPECT_EQ(cache_.size(), 2U);
  EXPECT_TRUE(cache_.find(key("a"), now_));
  EXPECT_FALSE(cache_.find(key("b"), now_));
  EXPECT_TRUE(cache_.find(key("c"), now_));
}

TEST(Realm, IsTrustedOverHttpsOrOnThePlainHostItself) {
  EXPECT_TRUE(is_trusted("https://harbor.local", "https://auth.elsewhere.test/token"));
  EXPECT_TRUE(is_trusted("docker.io", "https://auth.docker.io/token"));
  EXPECT_TRUE(is_trusted("http://sealos.hub:5000", "http://sealos.hub:5001/auth"));
  EXPECT_FALSE(is_trusted("http://sealos.hub:5000", "http://elsewhere.test/auth"));
  EXPECT_FALSE(is_trusted("https://harbor.local", "http://elsewhere.test/token"));
  EXPECT_FALSE(is_trusted("https://harbor.local", "http://harbor.local/token"));  // a password in the clear
  for (const char* realm : {"", "Registry", "ftp://a/", "https://user:pass@a/"}) {
    EXPECT_FALSE(is_trusted("https://harbor.local", realm)) << realm;
  }
}

class Request : public testing::Test {
 protected:
  static http::Request of(const char* realm, credentials::Credential credential) {
    const TokenKey key{
        .realm = realm, .service = "my registry", .scope = "repository:a/b:pull", .credential = credential};
    return token_request(http::Url::parse(realm).value(), key, {});
  }
};

TEST_F(Request, OfAnAnonymousCallerHasServiceAndScope) {
  const auto request = of("https://a/token", {});
  EXPECT_EQ(request.url, "https://a/token?service=my%20registry&scope=repository%3Aa%2Fb%3Apull");
  EXPECT_FALSE(request.authorization);
}

TEST_F(Request, OfAUserIsBasic) {
  const auto request = of("https://a/token?x=y", {.username = "robot$a", .password = Secret("p")});
  EXPECT_EQ(request.url, "https://a/token?x=y&service=my%20registry&scope=repository%3Aa%2Fb%3Apull&account=robot%24a");
  EXPECT_TRUE(request.authorization->reveal().starts_with("Basic "));
}

TEST_F(Request, OfAnIdentityTokenIsARefreshGrantInTheBody) {
  const auto request = of("https://a/token", {.identity_token = Secret("s&cret")});
  EXPECT_EQ(request.method, http::Method::post);
  EXPECT_EQ(request.url, "https://a/token");
  EXPECT_EQ(request.body.reveal(),
            "grant_type=refresh_token&client_id=image-cri-shim&service=my%20registry&scope=repository%3Aa%2Fb%3Apull&"
            "refresh_token=s%26cret");
}

}  // namespace
}  // namespace shim::registry
