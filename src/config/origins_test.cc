#include "config/origins.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "config/print.h"
#include "config/testing.h"

namespace shim::config {
namespace {

using ::testing::ElementsAre;
using testing::environment_of;
using ::testing::IsEmpty;
using Kind = Origin::Kind;

constexpr const char* kMapName = "ConfigMap kube-system/image-cri-shim";

class Settings : public ::testing::Test {
 protected:
  std::vector<Setting> settings(const std::string& file, const std::string& map = "") {
    const Environment environment = environment_of({{"SEALOS_HUB", "hub.example"}, {"SEALOS_AUTH", "robot:hunter2"}});
    std::vector<Diagnostic> diagnostics;
    const auto overlay = Overlay::parse(map, {kMapName, {"SEALOS_*"}}, environment, diagnostics);
    EXPECT_TRUE(overlay) << (diagnostics.empty() ? "" : to_string(diagnostics[0]));
    const ParseResult result = parse(file, "f.yaml", environment, &*overlay);
    EXPECT_TRUE(result.config) << testing::everything_said(result);
    printed_ = print(*result.config);
    return settings_of(printed_, file, &*overlay);
  }
  Setting setting(const std::string& path, const std::string& file, const std::string& map = "") {
    const std::vector<Setting> all = settings(file, map);
    const auto found = std::ranges::find(all, path, &Setting::path);
    EXPECT_NE(found, all.end()) << path;
    return found == all.end() ? Setting() : *found;
  }
  // `default`, `file 3`, `map 2`, with `${X}` behind for each variable.
  static std::string shown(const Origin& origin) {
    std::string text = origin.kind == Kind::built_in ? "default" : origin.kind == Kind::file ? "file" : "map";
    if (origin.line > 0) text += " " + std::to_string(origin.line);
    for (const std::string& name : origin.variables) text += " ${" + name + "}";
    return text;
  }
  std::string origin(const std::string& path, const std::string& file, const std::string& map = "") {
    return shown(setting(path, file, map).origin);
  }

  std::string printed_;
};

TEST_F(Settings, AreDefaultsWhereTheFileIsEmpty) {
  for (const Setting& setting : settings("")) EXPECT_EQ(shown(setting.origin), "default") << setting.path;
}

TEST_F(Settings, AreInTheOrderOfThePrintedTextWithTheirLines) {
  const std::vector<Setting> all = settings("registries: [{address: a.example}]");
  EXPECT_TRUE(std::ranges::is_sorted(all, {}, &Setting::printed_line));
  EXPECT_EQ(all.at(0).path, "shim");
  EXPECT_EQ(std::get<std::string>(all.at(0).value), "/var/run/image-cri-shim.sock");
  EXPECT_EQ(all.at(0).printed_line, 1);
}

TEST_F(Settings, OfTheFileHaveTheirLine) {
  const std::string file = "debug: true\n# why\ntimeout: 1m\ncache:\n  imageCacheSize: 5\n";
  EXPECT_EQ(origin("debug", file), "file 1");
  EXPECT_EQ(origin("timeout", file), "file 3");
  EXPECT_EQ(origin("cache.imageCacheSize", file), "file 5");
  EXPECT_EQ(origin("cache.imageCacheTTL", file), "default");
}

TEST_F(Settings, OfAKeyWithoutAValueAreDefaults) {
  EXPECT_EQ(origin("timeout", "timeout:\n"), "default");
}

TEST_F(Settings, OfARegistryHaveTheirOwnLines) {
  const std::string file =
      "registries:\n- address: a.example\n- address: b.example\n  priority: 7\n  match: [ghcr.io,\n    quay.io]\n";
  EXPECT_EQ(origin("registries[0].address", file), "file 2");
  EXPECT_EQ(origin("registries[0].priority", file), "default");
  EXPECT_EQ(origin("registries[1].priority", file), "file 4");
  const Setting match = setting("registries[1].match", file);
  EXPECT_THAT(std::get<std::vector<std::string>>(match.value), ElementsAre("ghcr.io", "quay.io"));
  EXPECT_EQ(shown(match.origin), "file 5");
}

TEST_F(Settings, OfABlockWrittenAsOneValueHaveItsLine) {
  EXPECT_EQ(origin("auth.username", "address: a.example\nauth: admin:hunter2\n"), "file 2");
  EXPECT_EQ(origin("credentials.dockerConfig", "credentials:\n  dockerConfig: /one\n"), "file 2");
}

TEST_F(Settings, OfABlockThatIsSetInPartAreDefaultsElsewhere) {
  const std::string file = "address: a.example\noffline:\n  tls:\n    ca: /ca.pem\n";
  EXPECT_EQ(origin("offline.tls.ca", file), "file 4");
  EXPECT_EQ(origin("offline.tls.insecureSkipVerify", file), "default");
}

TEST_F(Settings, FollowAnchorsToTheirText) {
  const std::string file = "x-tls: &t\n  ca: /ca.pem\naddress: a.example\noffline:\n  tls: *t\n";
  EXPECT_EQ(origin("offline.tls.ca", file), "file 2");
}

TEST_F(Settings, NameTheirVariables) {
  const std::string file =
      "address: ${SEALOS_HUB}/${NOBODY:-x}\nauth: ${SEALOS_AUTH}\nregistries:\n- address: b.example\n"
      "  rewrite: [{from: '${SEALOS_HUB}', to: x}]\n";
  EXPECT_EQ(origin("address", file), "file 1 ${SEALOS_HUB} ${NOBODY}");
  EXPECT_EQ(origin("auth.password", file), "file 2 ${SEALOS_AUTH}");
  EXPECT_EQ(origin("registries[0].rewrite[0].from", file), "file 5") << "not expanded there";
}

TEST_F(Settings, OfTheConfigMapSayIt) {
  const std::string file = "offlinePriority: 7\ndebug: true\ncache:\n  imageCacheSize: 5\n  notFoundTTL: 1s\n";
  const std::string map =
      "sealos:\n  address: hub.example\n  auth: ${SEALOS_AUTH}\nofflinePriority: 9\ncache:\n  notFoundTTL: 2s\n"
      "registries:\n- address: b.example\n";
  EXPECT_EQ(origin("address", file, map), "map 2");
  EXPECT_EQ(origin("auth.username", file, map), "map 3 ${SEALOS_AUTH}");
  EXPECT_EQ(origin("offlinePriority", file, map), "map 4");
  EXPECT_EQ(origin("cache.notFoundTTL", file, map), "map 6");
  EXPECT_EQ(origin("cache.imageCacheSize", file, map), "file 4");
  EXPECT_EQ(origin("cache.imageCacheTTL", file, map), "default");
  EXPECT_EQ(origin("registries[0].address", file, map), "map 8");
  EXPECT_EQ(origin("registries[0].priority", file, map), "default");
  EXPECT_EQ(origin("debug", file, map), "file 2");
}

TEST_F(Settings, OfAnEmptyListSayWhoEmptiedIt) {
  EXPECT_EQ(origin("registries", "registries: [{address: a.example}]", "registries: []"), "map 1");
  EXPECT_EQ(origin("registries", "registries: []"), "file 1");
  EXPECT_EQ(origin("registries", ""), "default");
}

TEST_F(Settings, HoldNoSecret) {
  for (const Setting& setting : settings("address: a.example\nauth: ${SEALOS_AUTH}\n")) {
    const auto* text = std::get_if<std::string>(&setting.value);
    EXPECT_FALSE(text && text->find("hunter2") != std::string::npos) << setting.path;
  }
}

TEST_F(Settings, ThatNeedARestartAreNamed) {
  EXPECT_THAT(pending_restart(settings("shim: /old.sock"), settings("shim: /new.sock\ndebug: false\n")),
              ElementsAre("shim: /new.sock needs a restart; in use is /old.sock"));
  EXPECT_THAT(pending_restart(settings("shim: /a.sock"), settings("shim: unix:///a.sock")), IsEmpty());
}

TEST_F(Settings, AreNoneOfWhatIsNoConfiguration) {
  EXPECT_THAT(settings_of("[", "", nullptr), IsEmpty());
}

}  // namespace
}  // namespace shim::config
