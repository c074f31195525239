#include "observe/explanation_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <string>

namespace shim::observe {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using registry::Explanation;
using registry::Outcome;
using testing::HasSubstr;

Explanation complete() {
  Explanation explanation{.image = "nginx:1.25",
                          .canonical = "docker.io/library/nginx:1.25",
                          .pod_namespace = "team-a",
                          .lines = {},
                          .warnings = {"the digest is given up"}};
  explanation.lines.push_back({.registry = "https://harbor.local/hub",
                               .priority = 600,
                               .name = "harbor.local/hub/library/nginx:1.25",
                               .kind = Outcome::Kind::unreachable,
                               .reason = "connection refused",
                               .answered_in = 12ms,
                               .circuit = Explanation::Circuit{true, "connection refused", 3000ms, 1500ms},
                               .verdict = "left out"});
  explanation.lines.push_back({.registry = "http://sealos.hub:5000",
                               .priority = 1000,
                               .is_offline = true,
                               .name = "sealos.hub:5000/library/nginx:1.25",
                               .kind = Outcome::Kind::holds,
                               .known_for = 60s,
                               .circuit = Explanation::Circuit{},
                               .is_chosen = true,
                               .verdict = "chosen: the first that has it"});
  explanation.lines.push_back({.registry = "docker.io", .is_original = true, .name = "nginx:1.25"});
  return explanation;
}

std::string error_of(const std::string& text) {
  const auto read = explanation_from_json(text);
  return read ? "" : read.error().message;
}

// A document with one candidate that has this field beside those that are needed.
std::string with_field(const std::string& field) {
  return R"({"image":"a","candidates":[{"found":"holds",)" + field + "}]}";
}

TEST(AnExplanationAsJson, HasDocumentedNames) {
  const json object = json::parse(to_json(complete()));
  EXPECT_EQ(object["image"], "nginx:1.25");
  EXPECT_EQ(object["canonical"], "docker.io/library/nginx:1.25");
  EXPECT_EQ(object["namespace"], "team-a");
  EXPECT_EQ(object["warnings"], json::array({"the digest is given up"}));
  EXPECT_EQ(object["candidates"][0], json::parse(R"({
    "registry": "https://harbor.local/hub", "priority": 600, "offline": false, "original": false,
    "name": "harbor.local/hub/library/nginx:1.25", "found": "unreachable", "reason": "connection refused",
    "answeredInMs": 12,
    "circuit": {"open": true, "reason": "connection refused", "openForMs": 3000, "nextCheckInMs": 1500},
    "chosen": false, "verdict": "left out"})"));
  EXPECT_EQ(object["candidates"][1]["knownForMs"], 60000);
  EXPECT_EQ(object["candidates"][1]["circuit"], json::parse(R"({"open": false})"));
  EXPECT_FALSE(object["candidates"][2].contains("priority"));
}

TEST(AnExplanationAsJson, IsReadBackWhole) {
  const std::string text = to_json(complete());
  const auto read = explanation_from_json(text);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(to_json(*read), text);
  EXPECT_EQ(read->lines.at(0).circuit->next_check_in, 1500ms);
  EXPECT_EQ(read->lines.at(2).priority, std::nullopt);
  EXPECT_EQ(read->lines.at(2).circuit, std::nullopt);
}

TEST(AnExplanationAsJson, ReadsEveryKindBack) {
  for (std::size_t i = 0; i < registry::kOutcomeKinds; ++i) {
    Explanation explanation{.image = "a", .canonical = "a", .pod_namespace = {}, .lines = {}, .warnings = {}};
    explanation.lines.push_back({.registry = "r", .kind = static_cast<Outcome::Kind>(i)});
    const auto read = explanation_from_json(to_json(explanation));
    ASSERT_TRUE(read);
    EXPECT_EQ(read->lines.at(0).kind, static_cast<Outcome::Kind>(i));
  }
}

TEST(AnExplanationAsJson, IsAsciiWhateverARegistrySaid) {
  Explanation explanation = complete();
  explanation.lines[0].reason = "\x1b[2J\x7f \u202e 镜像 \xff\xfe\u009b31m";
  const std::string text = to_json(explanation);
  for (const char c : text) EXPECT_TRUE(c == '\n' || (c >= ' ' && c <= '~')) << static_cast<int>(c);
  const auto read = explanation_from_json(text);
  ASSERT_TRUE(read);
  EXPECT_THAT(read->lines[0].reason, HasSubstr("镜像"));
}

TEST(AnExplanationFromJson, SkipsWhatALaterVersionAdds) {
  EXPECT_EQ(error_of(R"({"image":"a","new":{"x":[1]},"candidates":[{"found":"holds","new":1}]})"), "");
}

TEST(AnExplanationFromJson, SaysWhichFieldIsNotUnderstood) {
  EXPECT_THAT(error_of(with_field(R"("priority":"high")")), HasSubstr("candidates[0].priority: expected a whole"));
  EXPECT_THAT(error_of(with_field(R"("circuit":{"open":1})")), HasSubstr("candidates[0].circuit.open"));
  EXPECT_THAT(error_of(R"({"image":"a","candidates":[{"found":"maybe"}]})"), HasSubstr("candidates[0].found"));
  EXPECT_THAT(error_of(R"({"image":"a"})"), HasSubstr("candidates"));
  EXPECT_THAT(error_of(R"({"candidates":[]})"), HasSubstr("image"));
}

TEST(AnExplanationFromJson, RefusesNumbersThatAreNone) {
  for (const std::string number : {"1e300", "-1", "1.5", "18446744073709551615", "99999999999999999999999", "true"}) {
    EXPECT_NE(error_of(with_field("\"priority\":" + number)), "") << number;
    EXPECT_NE(error_of(with_field("\"knownForMs\":" + number)), "") << number;
  }
}

TEST(AnExplanationFromJson, RefusesWhatIsNotOfAShim) {
  for (const std::string text :
       {"", "null", "[]", "\"text\"", "{", "{\"image\":1,\"candidates\":[]}", "{\"image\":\"a\",\"candidates\":{}}",
        "{\"image\":\"a\",\"candidates\":[1]}", "{\"image\":\"a\",\"candidates\":[],\"warnings\":[1]}",
        "{\"image\":\"\xff\",\"candidates\":[]}", "<html></html>"}) {
    EXPECT_NE(error_of(text), "") << text;
  }
}

TEST(AnExplanationFromJson, IsNotOverwhelmedByDepth) {
  EXPECT_NE(error_of(std::string(1 << 20, '[')), "");
  EXPECT_NE(error_of(std::string(1 << 18, '[') + std::string(1 << 18, ']')), "");
  std::string nested;
  for (int i = 0; i < 100'000; ++i) nested += "{\"a\":";
  EXPECT_NE(error_of(nested), "");
}

}  // namespace
}  // namespace shim::observe
