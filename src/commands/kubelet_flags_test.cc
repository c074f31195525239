#include "commands/kubelet_flags.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace shim::commands {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Optional;

constexpr const char* kVariable = "KUBELET_KUBEADM_ARGS";
constexpr const char* kFlag = "image-service-endpoint";

std::string edited(const std::string& text, const std::string& value) {
  const auto result = with_flag(text, kVariable, kFlag, value);
  EXPECT_TRUE(result) << result.error().message;
  return result.value_or("");
}

TEST(KubeletFlags, OfAProcessHaveTwoSpellingsAndTheLastCounts) {
  const std::vector<std::string> arguments = {"kubelet", "--config=/a", "--root-dir", "/b", "--config", "/c", "--v=2"};
  EXPECT_EQ(flag_value(arguments, "config"), "/c");
  EXPECT_EQ(flag_value(arguments, "root-dir"), "/b");
  EXPECT_EQ(flag_value(arguments, "conf"), std::nullopt);
  EXPECT_EQ(flag_value({"--config"}, "config"), std::nullopt);
}

TEST(KubeletFlags, AreReadFromTheLastAssignment) {
  const std::string text =
      "# KUBELET_KUBEADM_ARGS=\"--no\"\nKUBELET_KUBEADM_ARGS=--a=1\nKUBELET_KUBEADM_ARGS='--b  --c=2'\n";
  EXPECT_THAT(flags_in(text, kVariable), Optional(ElementsAre("--b", "--c=2")));
  EXPECT_EQ(flags_in(text, "KUBELET_EXTRA_ARGS"), std::nullopt);
}

TEST(KubeletFlags, AreSetInTheirPlace) {
  const struct {
    std::string before, after;
  } cases[] = {
      {"KUBELET_KUBEADM_ARGS=\"--a=1 --b\"\n", "KUBELET_KUBEADM_ARGS=\"--a=1 --b --image-service-endpoint=S\"\n"},
      {"KUBELET_KUBEADM_ARGS=\"--image-service-endpoint=T --b\"\n",
       "KUBELET_KUBEADM_ARGS=\"--image-service-endpoint=S --b\"\n"},
      {"KUBELET_KUBEADM_ARGS='--image-service-endpoint T --b'\n",
       "KUBELET_KUBEADM_ARGS='--image-service-endpoint=S --b'\n"},
      {"KUBELET_KUBEADM_ARGS=\nX=1\n", "KUBELET_KUBEADM_ARGS=\"--image-service-endpoint=S\"\nX=1\n"},
      {"KUBELET_KUBEADM_ARGS=--a=1\n", "KUBELET_KUBEADM_ARGS=\"--a=1 --image-service-endpoint=S\"\n"},
      {"X=1", "X=1\nKUBELET_KUBEADM_ARGS=\"--image-service-endpoint=S\"\n"},
      {"", "KUBELET_KUBEADM_ARGS=\"--image-service-endpoint=S\"\n"},
  };
  for (const auto& [before, after] : cases) EXPECT_EQ(edited(before, "S"), after);
}

TEST(KubeletFlags, AreTakenAwayAlone) {
  EXPECT_EQ(edited("KUBELET_KUBEADM_ARGS=\"--a=1 --image-service-endpoint=S --b\"\n", ""),
            "KUBELET_KUBEADM_ARGS=\"--a=1 --b\"\n");
  EXPECT_EQ(edited("KUBELET_KUBEADM_ARGS=\"--a=1  --b\"\n", ""), "KUBELET_KUBEADM_ARGS=\"--a=1  --b\"\n");
  EXPECT_EQ(edited("X=1\n", ""), "X=1\n");
}

TEST(KubeletFlags, WithQuotesWithinAreLeftToPeople) {
  const auto result = with_flag("KUBELET_KUBEADM_ARGS=\"--a='1 2'\"\n", kVariable, kFlag, "S");
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().message, HasSubstr("write --image-service-endpoint=S by hand"));
}

TEST(KubeletFlags, VersionIsThatOfKubernetesOne) {
  EXPECT_EQ(minor_version("Kubernetes v1.33.1\n"), 33);
  EXPECT_EQ(minor_version("Kubernetes v1.26.15+k3s1"), 26);
  EXPECT_EQ(minor_version("something else"), std::nullopt);
}

}  // namespace
}  // namespace shim::commands
