#include "registry/challenge.h"

#include <gtest/gtest.h>

namespace shim::registry {
namespace {

// `scheme{name=value,…} scheme{…}`
std::string parsed(std::vector<std::string_view> fields) {
  std::string text;
  for (const Challenge& challenge : parse_challenges(fields)) {
    text += (text.empty() ? "" : " ") + challenge.scheme + "{";
    for (const auto& [name, value] : challenge.parameters) {
      if (!text.ends_with('{')) text += ",";
      text.append(name).append("=").append(value);
    }
    text += "}";
  }
  return text;
}

struct Case {
  const char* field;
  const char* expected;
};

class ChallengeTable : public testing::TestWithParam<Case> {};

TEST_P(ChallengeTable, IsRead) {
  EXPECT_EQ(parsed({GetParam().field}), GetParam().expected) << GetParam().field;
}

INSTANTIATE_TEST_SUITE_P(
    WellFormed, ChallengeTable,
    testing::Values(
        Case{R"(Basic realm="Registry Realm")", "basic{realm=Registry Realm}"},
        Case{R"(BASIC REALM=simple)", "basic{realm=simple}"},
        Case{
            R"(Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/nginx:pull")",
            "bearer{realm=https://auth.docker.io/token,service=registry.docker.io,scope=repository:library/"
            "nginx:pull}"},
        Case{R"(Bearer realm="https://a/token" , service = "b" ,error="invalid_token")",
             "bearer{realm=https://a/token,service=b,error=invalid_token}"},
        Case{R"(Bearer scope="repository:a:pull,push repository:b:pull")",
             "bearer{scope=repository:a:pull,push repository:b:pull}"},
        Case{R"(Basic realm="a, b", Bearer realm="c=d, Basic realm=x")",
             "basic{realm=a, b} bearer{realm=c=d, Basic realm=x}"},
        Case{R"(Negotiate, Basic realm="x")", "negotiate{} basic{realm=x}"},
        Case{R"(Negotiate YWJjZA==, Basic realm="x")", "negotiate{ywjjza=} basic{realm=x}"},
        Case{R"(Basic realm="quoted \"inner\" \\ text")", R"(basic{realm=quoted "inner" \ text})"},
        Case{R"(Basic realm="")", "basic{realm=}"}, Case{", ,Basic ,realm=x", "basic{realm=x}"},
        Case{"Basic", "basic{}"}));

INSTANTIATE_TEST_SUITE_P(Malformed, ChallengeTable,
                         testing::Values(Case{"", ""}, Case{"   ,,, ", ""}, Case{"\"Basic\" realm=x", ""},
                                         Case{R"(Basic realm="never ends)", "basic{}"},
                                         Case{R"(Basic realm="ends in \)", "basic{}"},
                                         Case{R"(Basic realm=x; Bearer realm=y)", "basic{realm=x}"},
                                         Case{"=x, Basic", ""}, Case{"\x01\xff", ""}));

TEST(Challenges, OfRepeatedFieldsAreAllRead) {
  EXPECT_EQ(parsed({R"(Basic realm="a")", R"(Bearer realm="b")"}), "basic{realm=a} bearer{realm=b}");
}

TEST(Challenges, AreBounded) {
  std::string many;
  for (int i = 0; i < 1000; ++i) many += "Basic realm=x, ";
  EXPECT_EQ(parse_challenges(std::vector<std::string_view>{many}).size(), 8U);

  std::string wide = "Bearer ";
  for (int i = 0; i < 1000; ++i) wide += "a=b, ";
  EXPECT_LE(parse_challenges(std::vector<std::string_view>{wide})[0].parameters.size(), 16U);

  const std::string huge = "Basic realm=\"" + std::string(1024 * 1024, 'x');
  EXPECT_EQ(parsed({huge}), "basic{}");
}

TEST(Challenge, FindsItsParameters) {
  const auto challenges = parse_challenges(std::vector<std::string_view>{R"(Bearer Realm="x", realm="y")"});
  EXPECT_EQ(challenges[0].find("realm"), "x");
  EXPECT_FALSE(challenges[0].find("scope"));
}

}  // namespace
}  // namespace shim::registry
