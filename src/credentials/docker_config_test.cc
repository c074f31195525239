#include "credentials/docker_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace shim::credentials {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

// base64 of user:passw0rd
constexpr const char* kAuth = R"({"auth": "dXNlcjpwYXNzdzByZA=="})";

DockerConfig config(const std::string& text) {
  auto parsed = DockerConfig::parse(text, "/config.json");
  EXPECT_TRUE(parsed) << parsed.error().message;
  return parsed.value_or(DockerConfig());
}
std::string error_of(const std::string& text) {
  const auto parsed = DockerConfig::parse(text, "/config.json");
  return parsed ? "" : parsed.error().message;
}
// `user:password`, `token T`, `none` or `error: …` for host and repository.
std::string found(const DockerConfig& config, const char* host, const char* repository) {
  const auto credential = config.find(host, repository);
  if (!credential) return "error: " + credential.error().message;
  if (!*credential) return "none";
  const Credential& c = **credential;
  if (!c.identity_token.empty()) return c.username + " token " + std::string(c.identity_token.reveal());
  return c.username + ":" + std::string(c.password.reveal());
}
std::string found(const std::string& auth) {
  return found(config(R"({"auths": {"a.test": )" + auth + "}}"), "a.test", "app");
}

TEST(DockerConfig, KnowsEachFormOfACredential) {
  EXPECT_EQ(found(kAuth), "user:passw0rd");
  EXPECT_EQ(found(R"({"auth": "dXNlcjpwYXNzdzByZA"})"), "user:passw0rd");
  EXPECT_EQ(found(R"({"auth": "dTpwOng="})"), "u:p:x");
  EXPECT_EQ(found(R"({"auth": "dTpwAAA="})"), "u:p") << "docker's padding";
  EXPECT_EQ(found(R"({"username": "u", "password": "p", "email": "x"})"), "u:p");
  EXPECT_EQ(found(R"({"username": "other", "password": "x", "auth": "dXNlcjpwYXNzdzByZA=="})"), "user:passw0rd");
  EXPECT_EQ(found(R"({"identitytoken": "t"})"), " token t");
  EXPECT_EQ(found(R"({"auth": "PHRva2VuPjo=", "identitytoken": "t"})"), " token t");
  EXPECT_EQ(found("{}"), "none") << "what docker leaves where a helper has it";
  EXPECT_EQ(found(R"({"auth": null, "username": ""})"), "none");
}

TEST(DockerConfig, SaysWhichEntryIsNoCredentialAndNeverShowsIt) {
  for (const char* auth : {R"({"auth": "SENTINEL!"})", R"({"auth": "U0VOVElORUw="})", R"({"auth": 5})", R"("SENTINEL")",
                           R"({"password": "SENTINEL"})", R"({"username": "a:b", "password": "SENTINEL"})"}) {
    EXPECT_THAT(found(auth), AllOf(HasSubstr("error: auths[\"a.test\"]: "), Not(HasSubstr("SENTINEL")))) << auth;
  }
}

TEST(DockerConfig, KnowsEachFormOfAKey) {
  struct {
    const char* key;
    const char* host;
    bool is_found;
  } const cases[] = {
      {"a.test", "a.test", true},
      {"a.test:5000", "a.test:5000", true},
      {"a.test", "a.test:5000", false},
      {"https://a.test", "a.test", true},
      {"https://a.test/", "a.test", true},
      {"https://a.test/v1/", "a.test", true},
      {"https://a.test:5000/v2/", "a.test:5000", true},
      {"http://a.test", "a.test", true},
      {"A.Test", "a.test", true},
      {"https://index.docker.io/v1/", "docker.io", true},
      {"index.docker.io", "docker.io", true},
      {"docker.io", "docker.io", true},
      {"registry-1.docker.io", "docker.io", true},
      {"[::1]:5000", "[::1]:5000", true},
      {"b.a.test", "a.test", false},
      {"a.tes", "a.test", false},
  };
  for (const auto& [key, host, is_found] : cases) {
    const auto parsed = config(std::string(R"({"auths": {")") + key + "\": " + kAuth + "}}");
    EXPECT_EQ(found(parsed, host, "library/nginx"), is_found ? "user:passw0rd" : "none") << key << " " << host;
  }
}

TEST(DockerConfig, PrefersTheLongestPath) {
  const auto parsed = config(R"({"auths": {
    "a.test": {"username": "host", "password": "p"},
    "a.test/team": {"username": "team", "password": "p"},
    "a.test/team/app": {"username": "app", "password": "p"},
    "a.test/empty": {}}})");
  EXPECT_EQ(found(parsed, "a.test", "team/app"), "app:p");
  EXPECT_EQ(found(parsed, "a.test", "team/web"), "team:p");
  EXPECT_EQ(found(parsed, "a.test", "teams/web"), "host:p") << "whole components";
  EXPECT_EQ(found(parsed, "a.test", "empty/web"), "host:p");
  EXPECT_EQ(found(parsed, "a.test", ""), "host:p");
}

TEST(DockerConfig, NamesTheHelperOfAHostBeforeTheStore) {
  const auto parsed = config(R"({"credHelpers": {"a.test": "own", "https://index.docker.io/v1/": "hub", "none.test": ""},
                                 "credsStore": "store"})");
  EXPECT_EQ(parsed.helper_for("a.test").value(), "own");
  EXPECT_EQ(parsed.helper_for("docker.io").value(), "hub");
  EXPECT_EQ(parsed.helper_for("b.test").value(), "store");
  EXPECT_EQ(parsed.helper_for("none.test").value(), "");
  EXPECT_EQ(config("{}").helper_for("a.test").value(), "");
}

TEST(DockerConfig, RefusesWhatIsNoNameOfAHelper) {
  for (const char* name : {"../../bin/sh", "a b", "a;b", "/bin/sh"}) {
    const auto helper = config(std::string(R"({"credsStore": ")") + name + "\"}").helper_for("a.test");
    ASSERT_FALSE(helper) << name;
    EXPECT_THAT(helper.error().message, HasSubstr("credsStore"));
  }
}

TEST(DockerConfig, ThatIsNoneIsAnErrorWithTheFile) {
  for (const char* text : {"", "[]", "{", "auths: {}", R"({"auths": []})", R"({"credHelpers": "x"})",
                           R"({"credHelpers": {"a": 1}})", R"({"credsStore": {}})"}) {
    EXPECT_THAT(error_of(text), HasSubstr("/config.json: ")) << text;
  }
  EXPECT_EQ(error_of(R"({"auths": null, "HttpHeaders": {}, "currentContext": "x"})"), "");
}

TEST(HelperAnswer, IsACredentialAnIdentityTokenOrNone) {
  const auto user = parse_helper_answer(0, R"({"ServerURL":"a","Username":"u","Secret":"p"})");
  EXPECT_EQ((*user)->username, "u");
  EXPECT_EQ((*user)->password.reveal(), "p");
  const auto token = parse_helper_answer(0, R"({"Username":"<token>","Secret":"t"})");
  EXPECT_EQ((*token)->identity_token.reveal(), "t");
  EXPECT_TRUE((*token)->username.empty());
  EXPECT_EQ(parse_helper_answer(0, R"({"Username":"","Secret":""})").value(), std::nullopt);
  EXPECT_EQ(parse_helper_answer(1, "credentials not found in native keychain\n").value(), std::nullopt);
}

TEST(HelperAnswer, ThatIsNoneIsAnErrorThatShowsNothingOfIt) {
  for (const char* text : {"", "SENTINEL", "[]", R"({"Username":"SENTINEL"})", R"({"Username":"u","Secret":""})",
                           R"({"Username":"","Secret":"SENTINEL"})", R"({"Username":1,"Secret":"SENTINEL"})",
                           "credentials not found in native keychain"}) {
    const auto answer = parse_helper_answer(0, text);
    ASSERT_FALSE(answer) << text;
    EXPECT_THAT(answer.error().message, Not(HasSubstr("SENTINEL")));
  }
}

TEST(HelperServer, IsTheHostButForTheHub) {
  EXPECT_EQ(helper_server("sealos.hub:5000"), "sealos.hub:5000");
  EXPECT_EQ(helper_server("docker.io"), "https://index.docker.io/v1/");
}

}  // namespace
}  // namespace shim::credentials
