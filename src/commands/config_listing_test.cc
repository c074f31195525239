#include "commands/config_listing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "config/parse.h"
#include "config/print.h"

namespace shim::commands {
namespace {

using config::Origin;
using config::Setting;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr Terminal kPipe{};
constexpr Terminal kScreen{.has_colours = false, .columns = 80};

Setting setting(std::string path, int line, Origin origin) {
  return {.path = std::move(path), .value = "x", .printed_line = line, .origin = std::move(origin)};
}

observe::ConfigReport small_report() {
  return {.file = "/etc/f.yaml",
          .config_map = "kube-system/image-cri-shim",
          .yaml = "debug: true\nauth: {username: u, password: (set)}\ncache:\n  imageCacheSize: 5\n",
          .settings = {setting("debug", 1, {Origin::Kind::file, 3, {}}),
                       setting("auth.username", 2, {Origin::Kind::file, 5, {}}),
                       setting("auth.password", 2, {Origin::Kind::file, 6, {"HARBOR"}}),
                       setting("cache.imageCacheSize", 4, {Origin::Kind::config_map, 9, {}})},
          .differences = {}};
}

TEST(AConfigListing, NamesTheOriginOfEachValue) {
  EXPECT_EQ(config_listing(small_report(), kPipe),
            "# /etc/f.yaml\n"
            "debug: true  # /etc/f.yaml:3\n"
            "auth: {username: u, password: (set)}  # /etc/f.yaml:5, /etc/f.yaml:6 ${HARBOR}\n"
            "cache:\n"
            "  imageCacheSize: 5  # ConfigMap kube-system/image-cri-shim\n");
}

TEST(AConfigListing, IsAlignedOnATerminal) {
  EXPECT_EQ(config_listing(small_report(), kScreen),
            "# /etc/f.yaml\n"
            "debug: true                           # /etc/f.yaml:3\n"
            "auth: {username: u, password: (set)}  # /etc/f.yaml:5, /etc/f.yaml:6 ${HARBOR}\n"
            "cache:\n"
            "  imageCacheSize: 5                   # ConfigMap kube-system/image-cri-shim\n");
}

TEST(AConfigListing, IsNotPushedAsideByALongLine) {
  observe::ConfigReport report = small_report();
  report.yaml = "debug: true\nauth: " + std::string(200, 'x') + "\n";
  EXPECT_THAT(config_listing(report, kScreen), HasSubstr("debug: true  # /etc/f.yaml:3\n"));
}

TEST(AConfigListing, SaysWhereItDiffersFromTheFile) {
  observe::ConfigReport report = small_report();
  report.differences = {"shim: /b needs a restart; in use is /a"};
  EXPECT_THAT(config_listing(report, kPipe),
              StartsWith("# /etc/f.yaml\n# shim: /b needs a restart; in use is /a\ndebug"));
}

TEST(AConfigListing, HasColoursOnlyWhereTheTerminalHas) {
  EXPECT_THAT(config_listing(small_report(), kScreen), Not(HasSubstr("\x1b")));
  EXPECT_THAT(config_listing(small_report(), {.has_colours = true, .columns = 80}),
              HasSubstr("\x1b[2m# /etc/f.yaml:3\x1b[0m\n"));
}

TEST(AConfigListing, LetsNobodyWriteToTheTerminal) {
  observe::ConfigReport report = small_report();
  const std::string hostile = "\x1b[31m\n\r";
  report.file = report.config_map = hostile;
  report.yaml = "debug: \x1b[31m\rx\n";
  report.settings = {setting("debug", 1, {Origin::Kind::file, 3, {hostile}})};
  report.differences = {hostile};
  const std::string text = config_listing(report, kScreen);
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
  EXPECT_THAT(text, Not(HasSubstr("\r")));
  EXPECT_EQ(std::ranges::count(text, '\n'), 3);
}

TEST(AConfigListing, IsAConfigurationAgain) {
  const std::string file =
      "address: http://hub.example\nregistries:\n- address: a.example\n  match: ['*', ghcr.io]\n"
      "  rewrite: [{from: 'a#b', to: 'x # y'}]\n";
  const auto nothing = [](std::string_view) { return std::optional<std::string>(); };
  const config::InUse in_use{.config = *config::parse(file, "f", nothing).config,
                             .file = "f # g",
                             .text = file,
                             .overlay = {},
                             .problem = "bad: [\nworse"};
  const std::string text = config_listing(observe::report_of(in_use, nothing), kScreen);
  const config::ParseResult again = config::parse(text, "again", nothing);
  ASSERT_TRUE(again.config) << text;
  EXPECT_EQ(config::print(*again.config), config::print(in_use.config)) << text;
  EXPECT_THAT(text, HasSubstr("# f # g:1"));
}

}  // namespace
}  // namespace shim::commands
