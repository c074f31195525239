#include "commands/kubelet_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace shim::commands {
namespace {

using testing::HasSubstr;
using Mark = Finding::Mark;

constexpr const char* kSocket = "/run/image-cri-shim.sock";

KubeletLook look_at(const std::string& endpoint) {
  KubeletNode node;
  node.runtime_endpoint = "unix:///run/containerd/containerd.sock";
  node.files.push_back({.path = "/var/lib/kubelet/config.yaml", .variable = {}, .text = {}, .endpoint = endpoint});
  return {.node = std::move(node), .is_connected = true};
}

TEST(KubeletFinding, PointingAtAShimThatAnswersIsWell) {
  const Finding finding = judge_kubelet(look_at("unix:///var/run/image-cri-shim.sock"), kSocket);
  EXPECT_EQ(finding.mark, Mark::good);
  EXPECT_EQ(finding.what, "its images come through the shim (/var/lib/kubelet/config.yaml)");
}

TEST(KubeletFinding, GoingPastTheShimIsAWarningWithTheCommand) {
  const Finding finding = judge_kubelet(look_at(""), kSocket);
  EXPECT_EQ(finding.mark, Mark::warning);
  EXPECT_THAT(finding.what,
              HasSubstr("unix:///run/containerd/containerd.sock, past the shim at " + std::string(kSocket)));
  EXPECT_THAT(finding.hint, HasSubstr("image-cri-shim kubelet enable"));
}

TEST(KubeletFinding, PointingAtAShimThatDoesNotAnswerFails) {
  KubeletLook look = look_at(kSocket);
  look.answer = fail("nobody answers");
  const Finding finding = judge_kubelet(look, kSocket);
  EXPECT_EQ(finding.mark, Mark::bad);
  EXPECT_THAT(finding.what, HasSubstr("nobody answers"));
  EXPECT_THAT(finding.hint, HasSubstr("kubelet disable"));
}

TEST(KubeletFinding, NotRestartedSinceIsAWarning) {
  KubeletLook look = look_at(kSocket);
  look.is_connected = false;
  EXPECT_EQ(judge_kubelet(look, kSocket).mark, Mark::warning);
  EXPECT_THAT(judge_kubelet(look, kSocket).hint, HasSubstr("restart kubelet"));
}

TEST(KubeletFinding, UnknownIsAWarningInItsOwnWords) {
  const Finding finding = judge_kubelet({.node = fail("no kubelet runs here")}, kSocket);
  EXPECT_EQ(finding.mark, Mark::warning);
  EXPECT_EQ(finding.what, "no kubelet runs here");
}

}  // namespace
}  // namespace shim::commands
