#include "config/reload.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "config/testing.h"

namespace shim::config {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

const std::string kGood = "timeout: 7m\n";
const std::string kBad = "timeout: soon\n";

Sources sources(Expected<std::string> text, std::string last_good = kGood) {
  return {.file = "f.yaml",
          .text = std::move(text),
          .last_good = std::move(last_good),
          .overlay = {},
          .newest = {},
          .config_map = {}};
}

Evaluation evaluated(const Sources& from) {
  return evaluate(from, testing::environment_of({}));
}

TEST(Evaluation, OfAGoodFileIsItsConfiguration) {
  const Evaluation evaluation = evaluated(sources("timeout: 3m\n"));
  EXPECT_TRUE(evaluation.file_is_good);
  EXPECT_EQ(evaluation.config->timeout, std::chrono::minutes(3));
  EXPECT_EQ(evaluation.text, "timeout: 3m\n");
  EXPECT_FALSE(evaluation.file_content);
}

TEST(Evaluation, OfABadFileIsTheLastGoodOneWithTheErrors) {
  const Evaluation evaluation = evaluated(sources(kBad));
  EXPECT_FALSE(evaluation.file_is_good);
  EXPECT_EQ(evaluation.config->timeout, std::chrono::minutes(7));
  EXPECT_EQ(evaluation.text, kGood);
  EXPECT_THAT(errors_in_a_line(evaluation.about_file), HasSubstr("f.yaml:1: timeout"));
}

TEST(Evaluation, OfAMissingFileIsTheLastGoodOneWithThatError) {
  const Evaluation evaluation = evaluated(sources(fail("cannot read f.yaml: No such file or directory")));
  EXPECT_FALSE(evaluation.file_is_good);
  EXPECT_EQ(evaluation.text, kGood);
  EXPECT_EQ(errors_in_a_line(evaluation.about_file), "cannot read f.yaml: No such file or directory");
}

TEST(Evaluation, OfNothingUsableIsNone) {
  EXPECT_FALSE(evaluated(sources(kBad, kBad)).config);
}

Overlay overlay_of(const std::string& text) {
  std::vector<Diagnostic> diagnostics;
  const Overlay::Origin origin{.name = "ConfigMap ns/name", .variables = {}};
  return Overlay::parse(text, origin, testing::environment_of({}), diagnostics).value();
}

TEST(Evaluation, LaysTheNewestOverlayOverTheFile) {
  Sources from = sources("timeout: 3m\ndrainTimeout: 4s\n");
  from.overlay = overlay_of("timeout: 8m\n");
  from.newest = overlay_of("timeout: 9m\n");
  const Evaluation evaluation = evaluated(from);
  EXPECT_TRUE(evaluation.newest_has_effect);
  EXPECT_EQ(evaluation.config->timeout, std::chrono::minutes(9));
  EXPECT_EQ(evaluation.config->drain_timeout, std::chrono::seconds(4));
  EXPECT_EQ(evaluation.overlay, from.newest);
}

TEST(Evaluation, KeepsTheOverlayThatHasEffect) {
  Sources from = sources("timeout: 3m\n");
  from.overlay = overlay_of("timeout: 8m\n");
  const Evaluation evaluation = evaluated(from);
  EXPECT_FALSE(evaluation.newest_has_effect);
  EXPECT_EQ(evaluation.config->timeout, std::chrono::minutes(8));
  EXPECT_EQ(evaluation.overlay, from.overlay);
}

TEST(Evaluation, LaysTheNewestOverlayOverTheLastGoodTextWhereTheFileIsBad) {
  Sources from = sources("drainTimeout: soon\n");
  from.newest = overlay_of("timeout: 9m\n");
  const Evaluation evaluation = evaluated(from);
  EXPECT_FALSE(evaluation.file_is_good);
  EXPECT_TRUE(evaluation.newest_has_effect);
  EXPECT_EQ(evaluation.config->timeout, std::chrono::minutes(9));
  EXPECT_FALSE(evaluation.file_content);
}

TEST(Evaluation, WantsTheOverlayInTheFile) {
  Sources from = sources("timeout: 3m\n");
  from.newest = overlay_of("timeout: 9m\n");
  const Evaluation evaluation = evaluated(from);
  ASSERT_TRUE(evaluation.file_content);
  EXPECT_EQ(parse(*evaluation.file_content, "f.yaml", testing::environment_of({})).config, evaluation.config);
  EXPECT_EQ(evaluation.text, evaluation.file_content);
}

TEST(Evaluation, WantsNothingInAFileThatSaysTheSame) {
  Sources from = sources("timeout: 9m\n");
  from.newest = overlay_of("timeout: 9m\n");
  EXPECT_FALSE(evaluated(from).file_content);
}

TEST(Evaluation, IsWithoutTheOverlayWhereTheFileTurnsItsConfigMapOff) {
  Sources from = sources("timeout: 3m\nconfigMap: {enabled: false}\n");
  from.overlay = overlay_of("timeout: 8m\n");
  from.newest = overlay_of("timeout: 9m\n");
  const Evaluation evaluation = evaluated(from);
  EXPECT_EQ(evaluation.config->timeout, std::chrono::minutes(3));
  EXPECT_TRUE(evaluation.config_map_is_another);
  EXPECT_TRUE(evaluation.overlay.empty());
  EXPECT_FALSE(evaluation.file_content);
}

TEST(Evaluation, IsWithoutTheOverlayWhereTheFileNamesAnotherConfigMap) {
  Sources from = sources("timeout: 3m\nconfigMap: {name: other}\n");
  from.overlay = overlay_of("timeout: 8m\n");
  EXPECT_EQ(evaluated(from).config->timeout, std::chrono::minutes(3));
}

TEST(Doubt, IsAboutBadAndEmptyFiles) {
  const auto is_doubtful_text = [](Expected<std::string> text) {
    const Sources from = sources(std::move(text));
    return is_doubtful(from, evaluated(from));
  };
  EXPECT_TRUE(is_doubtful_text(kBad));
  EXPECT_TRUE(is_doubtful_text(""));
  EXPECT_TRUE(is_doubtful_text(" \r\n\n"));
  EXPECT_TRUE(is_doubtful_text(fail("cannot read it")));
  EXPECT_FALSE(is_doubtful_text(kGood));
  EXPECT_FALSE(is_doubtful_text("# nothing but defaults\n"));
}

TEST(RestartKeys, AreTheSocketsAndTheStateDirectory) {
  const Config running;
  Config next;
  next.shim = "/run/other.sock";
  next.cri = "/run/crio.sock";
  next.image = "/var/lib/other";
  next.admin = "/run/other-admin.sock";
  next.debug = true;
  EXPECT_THAT(keys_for_restart(running, running), IsEmpty());
  EXPECT_THAT(keys_for_restart(running, next), ElementsAre("shim", "cri", "image", "admin"));
}

TEST(RestartKeys, KeepTheirValuesUntilThen) {
  const Config running;
  Config next;
  next.shim = "/run/other.sock";
  next.image = "/var/lib/other";
  next.debug = true;
  const Config used = with_values_until_restart(next, running);
  EXPECT_EQ(used.shim, running.shim);
  EXPECT_EQ(used.image, running.image);
  EXPECT_TRUE(used.debug);
}

TEST(ErrorsInALine, AreTheFirstFewAndNoWarnings) {
  std::string text = "unknown: 1\n";
  for (const std::string key : {"timeout", "drainTimeout", "reloadInterval", "force", "debug", "fallback", "version"}) {
    text += key + ": never\n";
  }
  const std::string line = errors_in_a_line(testing::parse_text(text).diagnostics);
  EXPECT_THAT(line, HasSubstr("f.yaml:2: timeout"));
  EXPECT_THAT(line, HasSubstr("; and 2 more errors"));
  EXPECT_THAT(line, Not(HasSubstr("unknown")));
  EXPECT_THAT(line, Not(HasSubstr("version")));
}

}  // namespace
}  // namespace shim::config
