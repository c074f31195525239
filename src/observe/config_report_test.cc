#include "observe/config_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "config/parse.h"

namespace shim::observe {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

const config::Environment kVariables = [](std::string_view name) -> std::optional<std::string> {
  if (name == "SEALOS_AUTH") return "robot:hunter2";
  return std::nullopt;
};

config::InUse in_use(const std::string& file, const std::string& map = "") {
  std::vector<config::Diagnostic> diagnostics;
  const config::Overlay::Origin origin{"ConfigMap kube-system/image-cri-shim", {"SEALOS_*"}};
  const auto overlay = config::Overlay::parse(map, origin, kVariables, diagnostics);
  EXPECT_TRUE(overlay);
  const auto parsed = config::parse(file, "/etc/f.yaml", kVariables, &*overlay);
  EXPECT_TRUE(parsed.config);
  return {.config = *parsed.config, .file = "/etc/f.yaml", .text = file, .overlay = *overlay, .problem = {}};
}

json setting(const json& report, const std::string& path) {
  for (const json& each : report["settings"]) {
    if (each["path"] == path) return each;
  }
  return {};
}

TEST(AConfigReport, HasEachValueWithItsType) {
  const std::string file =
      "debug: true\ntimeout: 90s\ncache: {imageCacheSize: 5}\naddress: a.example\n"
      "offline: {match: ghcr.io}\n";
  const json report = json::parse(to_json(report_of(in_use(file), kVariables)));
  EXPECT_EQ(setting(report, "debug"),
            json({{"path", "debug"}, {"value", true}, {"origin", "file"}, {"line", 1}, {"yamlLine", 6}}));
  EXPECT_EQ(setting(report, "timeout")["value"], "1m30s");
  EXPECT_EQ(setting(report, "cache.imageCacheSize")["value"], 5);
  EXPECT_EQ(setting(report, "offline.match")["value"], json({"ghcr.io"}));
  EXPECT_EQ(setting(report, "force")["origin"], "default");
}

TEST(AConfigReport, NamesTheConfigMapAndVariables) {
  const json report = json::parse(
      to_json(report_of(in_use("debug: true", "sealos: {address: a.example, auth: '${SEALOS_AUTH}'}"), kVariables)));
  EXPECT_EQ(report["configMap"], "kube-system/image-cri-shim");
  EXPECT_EQ(setting(report, "auth.username")["origin"], "configMap");
  EXPECT_EQ(setting(report, "auth.username")["variables"], json({"SEALOS_AUTH"}));
  EXPECT_THAT(report.dump(), Not(HasSubstr("hunter2")));
}

TEST(AConfigReport, NamesNoConfigMapThatHasSetNothing) {
  EXPECT_EQ(report_of(in_use("debug: true"), kVariables).config_map, "");
}

TEST(AConfigReport, SaysThatTheFileIsNotInUse) {
  config::InUse configuration = in_use("debug: true");
  configuration.problem = "/etc/f.yaml:1: debug: expected true or false, got \"x\"";
  EXPECT_THAT(report_of(configuration, kVariables).differences,
              ElementsAre(HasSubstr("its last good version: /etc/f.yaml:1: debug: expected")));
}

TEST(AConfigReport, SaysWhatNeedsARestart) {
  config::InUse configuration = in_use("shim: /new.sock\nimage: /state\n");
  configuration.config.shim = "/old.sock";
  const ConfigReport report = report_of(configuration, kVariables);
  EXPECT_THAT(report.differences, ElementsAre("shim: /new.sock needs a restart; in use is /old.sock"));
  EXPECT_THAT(report.yaml, HasSubstr("shim: /old.sock"));
}

TEST(AConfigReport, IsReadBackFromItsJson) {
  const ConfigReport report =
      report_of(in_use("registries: [{address: a.example, match: ['*', ghcr.io]}]", "force: true"), kVariables);
  const auto again = config_report_from_json(to_json(report));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(*again, report);
}

TEST(AConfigReport, IsNotReadFromWhatIsNoReport) {
  for (const std::string text :
       {"", "[]", "{", "{}", R"({"settings":{}})", R"({"settings":[1]})",
        R"({"settings":[{"path":"a","value":"b","origin":"moon"}]})", R"({"settings":[{"path":"a","origin":"file"}]})",
        R"({"settings":[{"path":"a","value":"b","origin":"file","line":-1}]})"}) {
    EXPECT_FALSE(config_report_from_json(text)) << text;
  }
}

TEST(AnOrigin, IsToldInAFewWords) {
  const ConfigReport report{.file = "/f.yaml", .config_map = "a/b", .yaml = {}, .settings = {}, .differences = {}};
  using enum config::Origin::Kind;
  EXPECT_EQ(origin_text(report, {built_in, 0, {}}), "default");
  EXPECT_EQ(origin_text(report, {file, 7, {"A", "B"}}), "/f.yaml:7 ${A} ${B}");
  EXPECT_EQ(origin_text(report, {config_map, 7, {}}), "ConfigMap a/b");
}

}  // namespace
}  // namespace shim::observe
