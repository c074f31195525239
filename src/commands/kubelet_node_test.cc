#include "commands/kubelet_node.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>

namespace shim::commands {
namespace {

constexpr const char* kPlugin = "unix:///run/plugin.sock";

KubeletFile configuration(std::string path, std::string endpoint = "") {
  KubeletFile file;
  file.path = std::move(path);
  file.endpoint = std::move(endpoint);
  return file;
}

KubeletFile variables(std::string path, std::string endpoint = "") {
  KubeletFile file = configuration(std::move(path), std::move(endpoint));
  file.form = KubeletFile::Form::variables;
  file.variable = "KUBELET_KUBEADM_ARGS";
  return file;
}

KubeletNode node(std::vector<KubeletFile> files) {
  KubeletNode node;
  node.files = std::move(files);
  node.runtime_endpoint = "unix:///run/runtime.sock";
  return node;
}

std::string edited(const KubeletNode& node, std::optional<int> minor) {
  const KubeletFile* file = file_to_edit(node, minor);
  return file == nullptr ? "" : file->path;
}

TEST(KubeletNode, ImagesComeFromTheRuntimeWhereNothingElseIsSet) {
  const KubeletNode plain = node({configuration("config"), variables("flags")});
  EXPECT_EQ(plain.decisive(), nullptr);
  EXPECT_EQ(plain.image_endpoint(), "unix:///run/runtime.sock");
}

TEST(KubeletNode, LastFileThatNamesAnEndpointDecides) {
  const KubeletNode several = node({configuration("config", "a"), configuration("drop-in", "b"), variables("flags")});
  EXPECT_EQ(several.decisive()->path, "drop-in");
  EXPECT_EQ(several.image_endpoint(), "b");
}

TEST(KubeletNode, FileToEditDependsOnTheVersionAndOnWhatDecides) {
  const KubeletNode plain = node({configuration("config"), configuration("drop-in"), variables("flags")});
  EXPECT_EQ(edited(plain, 33), "config");
  EXPECT_EQ(edited(plain, 27), "config");
  EXPECT_EQ(edited(plain, 26), "flags");
  EXPECT_EQ(edited(plain, std::nullopt), "config") << "taken for a recent one";
  EXPECT_EQ(edited(node({configuration("config"), variables("flags", kPlugin)}), 33), "flags") << "a flag wins";
  EXPECT_EQ(edited(node({configuration("config", kPlugin), configuration("drop-in", kPlugin)}), 33), "drop-in");
  EXPECT_EQ(edited(node({variables("flags")}), 33), "flags") << "it has no configuration file";
  EXPECT_EQ(edited(node({configuration("config")}), 26), "") << "nowhere to put a flag";
}

TEST(KubeletNode, SocketIsTheSameHoweverItIsWritten) {
  EXPECT_TRUE(is_same_socket("unix:///var/run/image-cri-shim.sock", "/run/image-cri-shim.sock"));
  EXPECT_TRUE(is_same_socket("/run/a.sock", "unix:///run/a.sock"));
  EXPECT_FALSE(is_same_socket("unix:///run/a.sock", "unix:///run/b.sock"));
  EXPECT_FALSE(is_same_socket("", ""));
}

TEST(KubeletNode, EndpointOfAFileIsSetByItsForm) {
  const auto flag = with_endpoint(variables("flags"), "KUBELET_KUBEADM_ARGS=\"--v=2\"\n", kPlugin);
  ASSERT_TRUE(flag);
  EXPECT_EQ(*flag, "KUBELET_KUBEADM_ARGS=\"--v=2 --image-service-endpoint=unix:///run/plugin.sock\"\n");
  EXPECT_EQ(endpoint_in(variables("flags"), *flag), kPlugin);
  const auto key = with_endpoint(configuration("config"), "kind: KubeletConfiguration\n", kPlugin);
  ASSERT_TRUE(key);
  EXPECT_EQ(endpoint_in(configuration("config"), *key), kPlugin);
}

}  // namespace
}  // namespace shim::commands
