#include "commands/sandbox_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace shim::commands {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using Mark = Finding::Mark;

constexpr const char* kPause = "registry.k8s.io/pause:3.6";

config::Config with_registry(const std::string& address) {
  config::Config config;
  config.registries = {
      {.address = image::Address::parse(address).value(), .auth = std::nullopt, .priority = {}, .routing = {}}};
  return config;
}

runtimes::RuntimeSettings containerd() {
  runtimes::RuntimeSettings settings;
  settings.kind = runtimes::Kind::containerd;
  settings.file = "/etc/containerd/config.toml";
  settings.file_version = 2;
  return settings;
}

TEST(SandboxImage, ThatIsOnTheNodeIsGood) {
  const Finding finding = judge_sandbox_image(with_registry("http://h:5000"), containerd(), {kPause, true});
  EXPECT_EQ(finding.mark, Mark::good);
  EXPECT_EQ(finding.subject, "sandbox image registry.k8s.io/pause:3.6");
}

TEST(SandboxImage, ThatIsAbsentIsNamedWithTheCopyOfAConfiguredRegistry) {
  const SandboxImage image{kPause, false, "h:5000/pause:3.6"};
  const Finding finding = judge_sandbox_image(with_registry("http://h:5000"), containerd(), image);
  EXPECT_EQ(finding.mark, Mark::warning);
  EXPECT_THAT(finding.what, HasSubstr("past the shim"));
  EXPECT_THAT(finding.hint,
              AllOf(HasSubstr("    sandbox_image = \"h:5000/pause:3.6\"\n"), HasSubstr("ctr -n k8s.io images import")));
}

TEST(SandboxImage, ThatNoRegistryHasIsToBeBroughtOrPushed) {
  const Finding finding = judge_sandbox_image(with_registry("http://h:5000"), containerd(), {kPause, false});
  EXPECT_EQ(finding.mark, Mark::warning);
  EXPECT_THAT(finding.hint, AllOf(HasSubstr("ctr -n k8s.io images import"), HasSubstr("push it")));
}

TEST(SandboxImage, WhoseCopyWantsCredentialsIsToBeBroughtFirst) {
  const SandboxImage image{kPause, false, "h:5000/pause:3.6", true};
  const Finding finding = judge_sandbox_image(with_registry("http://h:5000"), containerd(), image);
  EXPECT_THAT(finding.hint, AllOf(StartsWith("bring it onto the node: ctr"), HasSubstr("credentials of its own"),
                                  HasSubstr("sandbox_image = \"h:5000/pause:3.6\"")));
}

TEST(SandboxImage, OfAConfiguredRegistryIsPulledByTheRuntime) {
  config::Config config = with_registry("https://registry.k8s.io");
  EXPECT_EQ(judge_sandbox_image(config, containerd(), {kPause, false}).mark, Mark::good);
  config.registries[0].auth.emplace();
  config.registries[0].auth->username = "robot";
  const Finding finding = judge_sandbox_image(config, containerd(), {kPause, false});
  EXPECT_EQ(finding.mark, Mark::warning);
  EXPECT_THAT(finding.what, HasSubstr("without the credentials"));
}

TEST(SandboxImage, WithoutRegistriesIsTheRuntimesOwnBusiness) {
  EXPECT_EQ(judge_sandbox_image({}, containerd(), {kPause, false}).mark, Mark::good);
}

TEST(SandboxImage, ThatCannotBeAskedForIsAWarning) {
  const Finding finding = judge_sandbox_image({}, containerd(), {kPause, fail("no answer")});
  EXPECT_EQ(finding.mark, Mark::warning);
  EXPECT_THAT(finding.what, HasSubstr("no answer"));
}

TEST(SandboxImage, IsSetInTheOtherRuntimesOwnWay) {
  runtimes::RuntimeSettings settings;
  settings.kind = runtimes::Kind::cri_o;
  const SandboxImage image{kPause, false, "h:5000/pause:3.6"};
  EXPECT_THAT(judge_sandbox_image(with_registry("http://h:5000"), settings, image).hint,
              HasSubstr("pause_image = \"h:5000/pause:3.6\""));
  settings.kind = runtimes::Kind::docker;
  EXPECT_THAT(judge_sandbox_image(with_registry("http://h:5000"), settings, image).hint,
              HasSubstr("--pod-infra-container-image=h:5000/pause:3.6"));
}

}  // namespace
}  // namespace shim::commands
