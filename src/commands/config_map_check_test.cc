#include "commands/config_map_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace shim::commands {
namespace {

using config::Enabled;
using kubernetes::Absent;
using kubernetes::Present;
using kubernetes::Sight;
using kubernetes::Unknown;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using Mark = Finding::Mark;

Findings judge(Enabled enabled, const std::optional<Sight>& sight) {
  config::ConfigMap wanted;
  wanted.enabled = enabled;
  return judge_sight(wanted, sight, config::process_environment());
}

Sight saying(const char* text) {
  return Present{.text = text, .resource_version = "1"};
}

TEST(ConfigMapFindings, AValidOneWins) {
  const Findings findings = judge(Enabled::automatic, saying("offlinePriority: 1000\n"));
  ASSERT_THAT(findings, SizeIs(1));
  EXPECT_EQ(findings[0].mark, Mark::good);
  EXPECT_EQ(findings[0].subject, "ConfigMap kube-system/image-cri-shim");
}

TEST(ConfigMapFindings, AnInvalidOneFailsWhetherWantedOrNot) {
  for (const Enabled enabled : {Enabled::automatic, Enabled::yes}) {
    const Findings findings = judge(enabled, saying("timeout: soon\n"));
    ASSERT_THAT(findings, SizeIs(1));
    EXPECT_EQ(findings[0].mark, Mark::bad);
    EXPECT_THAT(findings[0].what, HasSubstr("timeout"));
    EXPECT_THAT(findings[0].hint, HasSubstr("kubectl -n kube-system edit configmap image-cri-shim"));
  }
}

TEST(ConfigMapFindings, AnAbsentOneIsWellUnlessItIsWanted) {
  EXPECT_EQ(judge(Enabled::automatic, Absent())[0].mark, Mark::good);
  const Findings wanted = judge(Enabled::yes, Absent());
  EXPECT_EQ(wanted[0].mark, Mark::warning);
  EXPECT_THAT(wanted[0].hint, HasSubstr("create configmap image-cri-shim --from-file=registries.yaml=FILE"));
}

TEST(ConfigMapFindings, OneWithoutItsKeyIsAWarning) {
  const Findings findings = judge(Enabled::automatic, Present());
  EXPECT_EQ(findings[0].mark, Mark::warning);
  EXPECT_THAT(findings[0].what, HasSubstr("registries.yaml"));
}

TEST(ConfigMapFindings, WhatCannotBeReadFailsOnlyWhereItIsWanted) {
  const Sight refused = Unknown{.reason = "403 Forbidden: the rule"};
  EXPECT_EQ(judge(Enabled::automatic, refused)[0].mark, Mark::warning);
  const Findings findings = judge(Enabled::yes, refused);
  EXPECT_EQ(findings[0].mark, Mark::bad);
  EXPECT_EQ(findings[0].what, "403 Forbidden: the rule");
}

TEST(ConfigMapFindings, WithoutAKubeconfigItCanBeDoneWithout) {
  const Findings findings = judge(Enabled::automatic, Unknown{.reason = "none", .is_access = true});
  EXPECT_THAT(findings[0].hint, HasSubstr("configMap: {enabled: false}"));
}

TEST(ConfigMapFindings, SilenceIsSaid) {
  EXPECT_THAT(judge(Enabled::yes, std::nullopt)[0].what, HasSubstr("did not answer in time"));
}

}  // namespace
}  // namespace shim::commands
