#include "commands/kubelet_configuration.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace shim::commands {
namespace {

using testing::HasSubstr;

const std::string kShim = "unix:///var/run/image-cri-shim.sock";
const std::string kHead = "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n";
const std::string kLine = "imageServiceEndpoint: unix:///var/run/image-cri-shim.sock";

std::string edited(const std::string& text, const std::string& endpoint) {
  const auto result = with_image_endpoint(text, endpoint);
  EXPECT_TRUE(result) << result.error().message;
  return result.value_or("");
}

std::string error_of(const std::string& text) {
  const auto result = with_image_endpoint(text, kShim);
  return result ? "" : result.error().message;
}

TEST(KubeletConfiguration, TellsItsEndpointsAndItsHealth) {
  const auto settings = read_kubelet_settings(kHead +
                                              "containerRuntimeEndpoint: unix:///run/containerd/containerd.sock\n"
                                              "healthzPort: 10250\nhealthzBindAddress: 0.0.0.0\n" +
                                              kLine + "\n");
  ASSERT_TRUE(settings);
  EXPECT_EQ(settings->image_endpoint, kShim);
  EXPECT_EQ(settings->runtime_endpoint, "unix:///run/containerd/containerd.sock");
  EXPECT_EQ(settings->healthz_port, 10250);
  EXPECT_EQ(settings->healthz_address, "0.0.0.0");
}

TEST(KubeletConfiguration, LeavesOutWhatItDoesNotSay) {
  const auto settings = read_kubelet_settings(kHead + "imageServiceEndpoint: \"\"\n");
  ASSERT_TRUE(settings);
  EXPECT_EQ(settings->image_endpoint, "");
  EXPECT_EQ(settings->healthz_port, std::nullopt);
}

TEST(KubeletConfiguration, MustBeOne) {
  EXPECT_FALSE(read_kubelet_settings("kind: Pod\n"));
  EXPECT_FALSE(read_kubelet_settings("- a\n"));
  EXPECT_FALSE(read_kubelet_settings(""));
  EXPECT_FALSE(read_kubelet_settings("a: [\n"));
}

TEST(KubeletConfiguration, GetsTheEndpointInItsPlaceAndKeepsEveryOtherByte) {
  const struct {
    std::string before, after;
  } cases[] = {
      {kHead + "maxPods: 110 # many\n", kHead + "maxPods: 110 # many\n" + kLine + "\n"},
      {kHead + "maxPods: 110", kHead + "maxPods: 110\n" + kLine},
      {kHead + "imageServiceEndpoint: unix:///run/other.sock # mine\nmaxPods: 1\n",
       kHead + kLine + " # mine\nmaxPods: 1\n"},
      {kHead + "imageServiceEndpoint: \"\"\nmaxPods: 1\n", kHead + kLine + "\nmaxPods: 1\n"},
      {kHead + "imageServiceEndpoint:\nmaxPods: 1\n", kHead + kLine + "\nmaxPods: 1\n"},
      {"---\n" + kHead + "evictionHard:\n  memory.available: 1Mi\n\n# the end\n",
       "---\n" + kHead + "evictionHard:\n  memory.available: 1Mi\n\n# the end\n" + kLine + "\n"},
  };
  for (const auto& [before, after] : cases) EXPECT_EQ(edited(before, kShim), after);
}

TEST(KubeletConfiguration, LosesTheLineAlone) {
  const struct {
    std::string before, after;
  } cases[] = {
      {kHead + kLine + " # mine\nmaxPods: 1\n", kHead + "maxPods: 1\n"},
      {kHead + "maxPods: 1\n" + kLine, kHead + "maxPods: 1"},
      {kHead + "imageServiceEndpoint:\n  " + kShim + "\nmaxPods: 1\n", kHead + "maxPods: 1\n"},
      {kHead + "maxPods: 1\n", kHead + "maxPods: 1\n"},
  };
  for (const auto& [before, after] : cases) EXPECT_EQ(edited(before, ""), after);
}

TEST(KubeletConfiguration, IsTheSameAfterBothWays) {
  for (const std::string& text :
       {kHead, kHead + "a: 1", kHead + "a: 1\r\n", kHead + "a: {b: [1]}\n# end", "---\n" + kHead + "x:\n- 1\n\n\n"}) {
    EXPECT_EQ(edited(edited(text, kShim), ""), text);
  }
}

TEST(KubeletConfiguration, ThatSaysSoAlreadyStaysAsItIs) {
  const std::string text = kHead + "imageServiceEndpoint:   '" + kShim + "'\n";
  EXPECT_EQ(edited(text, kShim), text);
}

TEST(KubeletConfiguration, InJsonKeepsValuesAndOrder) {
  const std::string json = "{\n  \"kind\": \"KubeletConfiguration\",\n  \"maxPods\": 29\n}\n";
  const std::string with =
      "{\n  \"kind\": \"KubeletConfiguration\",\n  \"maxPods\": 29,\n  \"imageServiceEndpoint\": \"" + kShim +
      "\"\n}\n";
  EXPECT_EQ(edited(json, kShim), with);
  EXPECT_EQ(edited(with, ""), json);
}

TEST(KubeletConfiguration, ThatCannotBeEditedSaysWhatToWriteByHand) {
  EXPECT_THAT(error_of("{kind: KubeletConfiguration}"), HasSubstr("write imageServiceEndpoint: " + kShim));
  EXPECT_THAT(error_of(kHead + "? imageServiceEndpoint\n: a\n"), HasSubstr("write imageServiceEndpoint"));
}

}  // namespace
}  // namespace shim::commands
