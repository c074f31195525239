#include "runtimes/inspection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtimes/testing.h"

namespace shim::runtimes {
namespace {

using testing::Folder;
using ::testing::HasSubstr;

Answers containerd1() {
  return {"containerd", "1.6.20~ds1", std::string(testing::kContainerd16)};
}
Answers containerd2(std::string version = "v2.1.4") {
  return {"containerd", std::move(version), std::string(testing::kContainerd21)};
}

constexpr std::string_view kFile = R"(version = 3
[plugins."io.containerd.cri.v1.images".registry]
  config_path = "/certs"
[plugins."io.containerd.cri.v1.images".pinned_images]
  sandbox = "h:5000/pause:3.10"
)";

TEST(Inspect, TakesContainerd1AtItsWord) {
  const Folder folder;
  folder.write("config.toml", kFile);
  const RuntimeSettings settings = inspect(containerd1(), folder.path("config.toml"));
  EXPECT_EQ(settings.release, (Release{1, 6}));
  EXPECT_EQ(settings.sandbox_image, "registry.k8s.io/pause:3.6");
  ASSERT_TRUE(settings.registries);
  EXPECT_EQ(settings.registries->config_path, "/etc/containerd/certs.d");
  EXPECT_TRUE(settings.pulls_itself);
}

TEST(Inspect, ReadsTheFileOfContainerd2) {
  const Folder folder;
  folder.write("config.toml", kFile);
  const RuntimeSettings settings = inspect(containerd2(), folder.path("config.toml"));
  EXPECT_EQ(settings.sandbox_image, "h:5000/pause:3.10");
  ASSERT_TRUE(settings.registries);
  EXPECT_EQ(settings.registries->config_path, "/certs");
  EXPECT_EQ(settings.file_version, 3);
  EXPECT_FALSE(settings.pulls_itself);
  EXPECT_TRUE(inspect(containerd2("v2.0.5"), folder.path("config.toml")).pulls_itself);
}

TEST(Inspect, ReadsWhatTheFileImports) {
  const Folder folder;
  folder.write("config.toml", "version = 3\nimports = ['conf.d/*.toml']\n");
  folder.write("conf.d/10-registry.toml", kFile);
  folder.write("conf.d/readme", "no TOML");
  const RuntimeSettings settings = inspect(containerd2(), folder.path("config.toml"));
  ASSERT_TRUE(settings.registries);
  EXPECT_EQ(settings.registries->config_path, "/certs");
}

TEST(Inspect, HasTheDefaultsOfContainerd2WhereThereIsNoFile) {
  const RuntimeSettings old = inspect(containerd2("v2.1.4"), "/nowhere/config.toml");
  ASSERT_TRUE(old.registries);
  EXPECT_EQ(old.registries->config_path, "");
  EXPECT_EQ(old.file_version, 0);
  EXPECT_FALSE(old.sandbox_image);
  EXPECT_EQ(inspect(containerd2("v2.4.2"), "/nowhere/config.toml").registries->config_path,
            "/etc/containerd/certs.d:/etc/docker/certs.d");
}

TEST(Inspect, SaysWhyAFileCannotBeRead) {
  const Folder folder;
  folder.write("config.toml", "version =\n");
  const RuntimeSettings settings = inspect(containerd2(), folder.path("config.toml"));
  EXPECT_FALSE(settings.registries);
  EXPECT_THAT(settings.problem, HasSubstr("config.toml: line 1"));
  EXPECT_FALSE(inspect(containerd2(), folder.path()).registries) << "a folder";
}

TEST(Inspect, KnowsTheSandboxImageOfOthers) {
  const RuntimeSettings settings = inspect({"docker", "20.10", R"({"sandboxImage":"pause:3"})"}, std::nullopt);
  EXPECT_EQ(settings.kind, Kind::docker);
  EXPECT_EQ(settings.sandbox_image, "pause:3");
  EXPECT_FALSE(settings.registries);
}

TEST(Inspect, KnowsNothingOfAPluginThatSaysNothing) {
  const RuntimeSettings settings = inspect({}, std::nullopt);
  EXPECT_EQ(settings.kind, Kind::other);
  EXPECT_FALSE(settings.sandbox_image);
}

}  // namespace
}  // namespace shim::runtimes
