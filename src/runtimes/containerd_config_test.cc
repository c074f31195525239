#include "runtimes/containerd_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace shim::runtimes {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

ContainerdConfig read(std::string_view text) {
  auto config = read_containerd_config(text);
  EXPECT_TRUE(config) << config.error().message;
  return config.value_or(ContainerdConfig());
}

TEST(ContainerdConfig, IsReadInEachSpelling) {
  for (const char* text : {"[plugins.cri]\nsandbox_image = 'p:1'\n[plugins.cri.registry]\nconfig_path = '/certs'\n",
                           "version = 2\n[plugins.'io.containerd.grpc.v1.cri']\nsandbox_image = 'p:1'\n"
                           "[plugins.'io.containerd.grpc.v1.cri'.registry]\nconfig_path = '/certs'\n",
                           "version = 3\n[plugins.'io.containerd.cri.v1.images'.registry]\nconfig_path = '/certs'\n"
                           "[plugins.'io.containerd.cri.v1.images'.pinned_images]\nsandbox = 'p:1'\n"}) {
    const ContainerdConfig config = read(text);
    EXPECT_EQ(config.sandbox_image, "p:1") << text;
    EXPECT_EQ(config.registries.config_path, "/certs") << text;
  }
}

TEST(ContainerdConfig, WithoutAVersionIsTheFirst) {
  EXPECT_EQ(read("").version, 1);
  EXPECT_EQ(read("version = 3").version, 3);
}

TEST(ContainerdConfig, HasMirrorsAndTls) {
  const ContainerdConfig config = read(R"(version = 2
[plugins."io.containerd.grpc.v1.cri".registry.mirrors."docker.io"]
  endpoint = ["http://m:5000"]
[plugins."io.containerd.grpc.v1.cri".registry.configs."m:5000".tls]
  ca_file = "/ca"
  insecure_skip_verify = true
)");
  EXPECT_THAT(config.registries.mirrors.at("docker.io"), ElementsAre("http://m:5000"));
  EXPECT_EQ(config.registries.tls.at("m:5000"), (HostTls{.ca = "/ca", .skip_verify = true}));
}

TEST(ContainerdConfig, TellsWhatKeepsItFromTheTransferService) {
  const std::string images = "version = 3\n[plugins.'io.containerd.cri.v1.images']\n";
  EXPECT_FALSE(read(images).pulls_itself);
  EXPECT_FALSE(read(images + "max_concurrent_downloads = 3\ndisable_snapshot_annotations = true\n").pulls_itself);
  for (const char* line : {"use_local_image_pull = true", "max_concurrent_downloads = 5",
                           "disable_snapshot_annotations = false", "registry.mirrors.'a'.endpoint = ['http://b']"}) {
    EXPECT_TRUE(read(images + line + "\n").pulls_itself) << line;
  }
}

TEST(ContainerdConfig, TakesWhatIsImportedBeforeItsOwn) {
  ContainerdConfig config =
      read("[plugins.cri]\nsandbox_image = 'own'\n[plugins.cri.registry]\nconfig_path = '/own'\n");
  import_into(config, read("[plugins.cri]\nsandbox_image = 'imported'\n"));
  EXPECT_EQ(config.sandbox_image, "imported");
  EXPECT_EQ(config.registries.config_path, "/own");
}

TEST(ContainerdConfig, ErrorNamesTheLine) {
  const auto config = read_containerd_config("version = 2\nconfig_path = \n");
  ASSERT_FALSE(config);
  EXPECT_THAT(config.error().message, HasSubstr("line 2"));
}

// ── Lines to write ───────────────────────────────────────────────────────────────────────────────────────────────────

TEST(ContainerdLines, AreReadAgainInEachVersion) {
  for (const int version : {1, 2, 3}) {
    const std::string head = version == 1 ? "" : "version = " + std::to_string(version) + "\n";
    const ContainerdConfig config =
        read(head + sandbox_image_lines(version, {}, "p:1") + config_path_lines(version, {}, "/certs"));
    EXPECT_EQ(config.sandbox_image, "p:1") << version;
    EXPECT_EQ(config.registries.config_path, "/certs") << version;
    const HostTls tls{.ca = "/ca", .cert = "/cert", .key = "/key", .skip_verify = true};
    const ContainerdConfig old_style = read(head + mirror_lines(version, "h:5000", "http://h:5000", tls));
    EXPECT_THAT(old_style.registries.mirrors.at("h:5000"), ElementsAre("http://h:5000")) << version;
    EXPECT_EQ(old_style.registries.tls.at("h:5000"), tls) << version;
  }
}

TEST(ContainerdLines, BeginANewFileWithTheVersionOfTheRelease) {
  EXPECT_EQ(config_path_lines(0, {1, 6}, "/certs"),
            "version = 2\n\n[plugins.\"io.containerd.grpc.v1.cri\".registry]\n  config_path = \"/certs\"\n");
  EXPECT_EQ(config_path_lines(0, {2, 1}, "/certs"),
            "version = 3\n\n[plugins.\"io.containerd.cri.v1.images\".registry]\n  config_path = \"/certs\"\n");
}

}  // namespace
}  // namespace shim::runtimes
