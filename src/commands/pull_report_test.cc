#include "commands/pull_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace shim::commands {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

PullReport pulled() {
  return {
      .image = "nginx:1.25",
      .was_present = false,
      .duration = 1200ms,
      .image_id = "sha256:12",
      .reference = "sha256:12",
      .source = PullSource{"http://sealos.hub:5000", "sealos.hub:5000/library/nginx:1.25", "priority 1000, has it"}};
}

PullReport failed() {
  return {.image = "nginx", .status = {http2::StatusCode::unknown, "RegistryUnavailable: a\nb"}};
}

constexpr const char* kStatus = R"({"decisions": [
  {"image": "nginx", "namespace": "team", "source": "a", "name": "a/nginx", "why": "for the team"},
  {"image": "nginx", "source": "b", "name": "b/nginx", "why": "newest"},
  {"image": "nginx", "source": "c", "name": "c/nginx", "why": "older"},
  {"image": "failed", "why": "all failed"}]})";

TEST(PullReport, SaysWhereTheImageCameFromAndWhy) {
  const std::string text = pull_text(pulled());
  EXPECT_THAT(text, HasSubstr("✓ nginx:1.25: pulled in 1.2s\n"));
  EXPECT_THAT(text, HasSubstr("source:    http://sealos.hub:5000, as sealos.hub:5000/library/nginx:1.25\n"));
  EXPECT_THAT(text, HasSubstr("because:   priority 1000, has it\n"));
  EXPECT_THAT(text, HasSubstr("image ID:  sha256:12\n"));
  EXPECT_THAT(text, HasSubstr("it was not on the node\n"));
}

TEST(PullReport, CallsAnExpectationOne) {
  PullReport report = pulled();
  report.source->is_certain = false;
  EXPECT_THAT(pull_text(report), HasSubstr("expected:  http://sealos.hub:5000"));
  EXPECT_FALSE(nlohmann::json::parse(pull_json(report))["source"]["certain"].get<bool>());
}

TEST(PullReport, HasTheErrorWithItsCodeInOneLine) {
  EXPECT_EQ(pull_text(failed()), "✗ nginx: UNKNOWN: RegistryUnavailable: a\\nb\n");
}

TEST(PullReport, OfAnImageThatIsNotFoundAfterwardsHasFailed) {
  PullReport report = pulled();
  report.image_id.clear();
  EXPECT_FALSE(report.is_done());
  EXPECT_THAT(pull_text(report), HasSubstr("✗ nginx:1.25: pulled as sha256:12, and the runtime does not find it"));
}

TEST(PullReport, InJsonHasTheErrorVerbatim) {
  const auto object = nlohmann::json::parse(pull_json(failed()));
  EXPECT_FALSE(object["pulled"].get<bool>());
  EXPECT_EQ(object["error"]["code"], "UNKNOWN");
  EXPECT_EQ(object["error"]["message"], "RegistryUnavailable: a\nb");
}

TEST(PullReport, InJsonHasNumbersAndSource) {
  const auto object = nlohmann::json::parse(pull_json(pulled()));
  EXPECT_TRUE(object["pulled"].get<bool>());
  EXPECT_EQ(object["durationMs"], 1200);
  EXPECT_EQ(object["imageId"], "sha256:12");
  EXPECT_EQ(object["source"]["name"], "sealos.hub:5000/library/nginx:1.25");
  EXPECT_FALSE(object.contains("error"));
}

TEST(SourceInStatus, IsThatOfTheNewestPullForTheNamespace) {
  EXPECT_EQ(source_in_status(kStatus, "nginx", "")->registry, "b");
  EXPECT_EQ(source_in_status(kStatus, "nginx", "team")->name, "a/nginx");
}

TEST(SourceInStatus, IsNoneForOthersAndForFailures) {
  EXPECT_FALSE(source_in_status(kStatus, "redis", ""));
  EXPECT_FALSE(source_in_status(kStatus, "failed", ""));
}

TEST(SourceInStatus, IsNoneInNonsense) {
  for (const char* text : {"", "[]", "{}", "{\"decisions\": 1}", "{\"decisions\": [1, {\"image\": 2}]}"}) {
    EXPECT_FALSE(source_in_status(text, "nginx", "")) << text;
  }
}

}  // namespace
}  // namespace shim::commands
