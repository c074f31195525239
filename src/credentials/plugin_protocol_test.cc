#include "credentials/plugin_protocol.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace shim::credentials {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kV1 = "credentialprovider.kubelet.k8s.io/v1";

std::string response(const std::string& rest) {
  return std::string(R"({"kind":"CredentialProviderResponse","apiVersion":"credentialprovider.kubelet.k8s.io/v1",)") +
         rest + "}";
}
std::string user_for(const std::string& auth, const char* image) {
  const auto answer = parse_plugin_answer(response(R"("cacheKeyType":"Image","auth":)" + auth), kV1);
  if (!answer) return "error: " + answer.error().message;
  const auto credential = answer->find(image);
  return credential ? credential->username : "none";
}

TEST(PluginRequest, HasTheImage) {
  EXPECT_EQ(plugin_request(kV1, "a.io/team/app"),
            R"({"apiVersion":"credentialprovider.kubelet.k8s.io/v1","image":"a.io/team/app","kind":"CredentialProviderRequest"})"
            "\n");
}

TEST(PluginAnswer, HasKeyTypeAndDuration) {
  const auto global = parse_plugin_answer(response(R"("cacheKeyType":"Global","cacheDuration":"6h0m0s")"), kV1);
  ASSERT_TRUE(global) << global.error().message;
  EXPECT_EQ(global->key_type, CacheKeyType::global);
  EXPECT_EQ(global->cache_duration, 6h);
  const auto none = parse_plugin_answer(response(R"("cacheKeyType":"Registry","cacheDuration":null,"auth":null)"), kV1);
  ASSERT_TRUE(none) << none.error().message;
  EXPECT_EQ(none->cache_duration, std::nullopt);
  const auto zero = parse_plugin_answer(response(R"("cacheKeyType":"Image","cacheDuration":"0s")"), kV1);
  EXPECT_EQ(zero->cache_duration, 0s);
}

TEST(PluginAnswer, GivesTheMostSpecificKeyThatMatches) {
  const std::string auth = R"({"*.io":{"username":"glob","password":"p"},"a.io":{"username":"host","password":"p"},
      "https://a.io/v2/team":{"username":"team","password":"p"},"a.io/team/app":{"username":"app","password":"p"}})";
  EXPECT_EQ(user_for(auth, "a.io/team/app"), "app");
  EXPECT_EQ(user_for(auth, "a.io/team/web"), "team");
  EXPECT_EQ(user_for(auth, "a.io/web"), "host");
  EXPECT_EQ(user_for(auth, "b.io/web"), "glob");
  EXPECT_EQ(user_for(auth, "b.com/web"), "none");
  EXPECT_EQ(user_for(R"({"a.io":{"username":"","password":""}})", "a.io/web"), "none");
}

TEST(PluginAnswer, KnowsTheHubsOldName) {
  const std::string auth = R"({"https://index.docker.io/v1/":{"username":"hub","password":"p"}})";
  EXPECT_EQ(user_for(auth, "docker.io/library/nginx"), "hub");
  EXPECT_EQ(user_for(auth, "a.io/library/nginx"), "none");
}

TEST(PluginAnswer, ThatIsNoneIsAnErrorThatShowsNothingOfIt) {
  for (const std::string& text :
       {std::string(), std::string("SENTINEL"), std::string("[]"),
        std::string(R"({"kind":"SENTINEL","apiVersion":"credentialprovider.kubelet.k8s.io/v1"})"),
        std::string(R"({"kind":"CredentialProviderResponse","apiVersion":"credentialprovider.kubelet.k8s.io/v1beta1"})"),
        response(R"("cacheKeyType":"SENTINEL")"), response(R"("auth":{})"),
        response(R"("cacheKeyType":"Image","cacheDuration":"SENTINEL")"),
        response(R"("cacheKeyType":"Image","cacheDuration":5)"),
        response(R"("cacheKeyType":"Image","auth":["SENTINEL"])")}) {
    const auto answer = parse_plugin_answer(text, kV1);
    ASSERT_FALSE(answer) << text;
    EXPECT_THAT(answer.error().message, Not(HasSubstr("SENTINEL")));
  }
  EXPECT_TRUE(parse_plugin_answer(response(R"("cacheKeyType":"Image","auth":{"a.io":"SENTINEL"})"), kV1));
}

}  // namespace
}  // namespace shim::credentials
