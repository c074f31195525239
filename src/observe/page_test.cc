#include "observe/page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>

#include <array>
#include <regex>
#include <string>

#include "base/base64.h"
#include "observe/status_testing.h"

namespace shim::observe {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::string_view kHostile = "<img src=x onerror=alert(1)>\"'></td></style><script>alert(2)</script>&lt;";

ConfigReport report() {
  return {.file = "/f.yaml",
          .config_map = {},
          .yaml = "debug: true\n",
          .settings = {{.path = "debug",
                        .value = "true",
                        .printed_line = 1,
                        .origin = {.kind = config::Origin::Kind::file, .line = 7, .variables = {}}},
                       {.path = "timeout", .value = "15m0s", .printed_line = 2, .origin = {}}},
          .differences = {}};
}

std::string page_of(const Status& status) {
  return page(status, report(), 5s);
}

std::size_t count_of(const std::string& text, const std::string& pattern) {
  const std::regex expression(pattern);
  return static_cast<std::size_t>(
      std::distance(std::sregex_iterator(text.begin(), text.end(), expression), std::sregex_iterator()));
}

std::string hash_of(std::string_view text) {
  std::array<unsigned char, 32> digest{};
  EXPECT_EQ(EVP_Digest(text.data(), text.size(), digest.data(), nullptr, EVP_sha256(), nullptr), 1);
  std::string encoded;
  append_base64(std::string(digest.begin(), digest.end()), encoded);
  return encoded;
}

TEST(ThePagesPolicy, KnowsItsStyleAndNothingElse) {
  EXPECT_THAT(std::string(page_policy), HasSubstr("'sha256-" + hash_of(page_style) + "'"));
  EXPECT_TRUE(page_policy.starts_with("default-src 'none'; "));
}

TEST(ThePage, SaysWhereEachImageCameFromAndWhy) {
  EXPECT_THAT(
      page_of(status_where_all_is_well()),
      AllOf(HasSubstr("nginx:1.25"), HasSubstr("←\u00a0http://sealos.hub:5000"), HasSubstr("priority 1000, has it"),
            HasSubstr("not pulled"), HasSubstr("containerd 1.7.24, CRI v1"), HasSubstr("0.84ms")));
}

TEST(ThePage, SaysThatAllIsWellOrWhatToDo) {
  Status status = status_where_all_is_well();
  EXPECT_THAT(page_of(status), HasSubstr("all is well"));
  status.runtime.problem = "/run/x.sock: no such file";
  EXPECT_THAT(page_of(status), AllOf(HasSubstr("1 thing needs attention"), HasSubstr("/run/x.sock: no such file"),
                                     HasSubstr("No pod can start until it does")));
}

TEST(ThePage, HasValuesWithTheirOrigins) {
  EXPECT_THAT(page_of(status_where_all_is_well()),
              AllOf(HasSubstr("<code>debug</code>"), HasSubstr("/f.yaml:7"), HasSubstr("<code>timeout</code>")));
}

TEST(ThePage, IsRefreshedByTheBrowserUnlessItIsPaused) {
  EXPECT_THAT(page_of(status_where_all_is_well()), HasSubstr("<meta http-equiv=\"refresh\" content=\"5\">"));
  EXPECT_THAT(page(status_where_all_is_well(), report(), std::nullopt), Not(HasSubstr("http-equiv")));
}

TEST(ThePage, NeedsNothingThatItsPolicyForbids) {
  const std::string text = page_of(status_where_all_is_well());
  EXPECT_EQ(count_of(text, "<(script|img|link|iframe|form|object|base)\\b"), 0U);
  EXPECT_EQ(count_of(text, "\\s(style|on[a-z]+|src)="), 0U);
  EXPECT_EQ(count_of(text, "<style>"), 1U);
}

// The tags and attributes of the page are the same whatever stands in its texts.
TEST(ThePage, HasNoMarkupOfWhatItShows) {
  Status harmless = status_where_all_is_well();
  const auto set_all = [](Status& status, std::string_view text) {
    const std::string word(text);
    for (std::string* each :
         {&status.shim.node, &status.shim.version, &status.shim.socket, &status.runtime.socket, &status.runtime.name,
          &status.runtime.version, &status.runtime.cri_version, &status.runtime.problem, &status.registries[0].address,
          &status.registries[0].host, &status.registries[0].reason, &status.registries[0].last_failure,
          &status.configuration.file, &status.configuration.problem, &status.configuration.config_map.name,
          &status.configuration.config_map.server, &status.configuration.config_map.reason,
          &status.configuration.config_map.problem}) {
      *each = word;
    }
    status.registries[0].state = Status::Registry::State::failing;
    for (cri::Decision& decision : status.decisions) {
      decision.image = decision.pod_namespace = decision.source = decision.name = decision.why = word;
    }
  };
  const auto report_with = [](std::string_view text) {
    ConfigReport report = observe::report();
    report.file = report.config_map = text;
    report.differences = {std::string(text)};
    report.settings[0].path = text;
    report.settings[0].value = std::vector<std::string>{std::string(text)};
    report.settings[0].origin.variables = {std::string(text)};
    return report;
  };
  Status hostile = harmless;
  set_all(harmless, "word");
  set_all(hostile, kHostile);

  std::string shown = page(hostile, report_with(kHostile), 5s);
  const std::string escaped_text =
      "&lt;img src=x onerror=alert(1)&gt;&quot;&#39;&gt;&lt;/td&gt;&lt;/style&gt;&lt;script&gt;alert(2)&lt;/script&gt;"
      "&amp;lt;";
  for (auto at = shown.find(escaped_text); at != shown.npos; at = shown.find(escaped_text)) {
    shown.replace(at, escaped_text.size(), "word");
  }
  EXPECT_EQ(shown, page(harmless, report_with("word"), 5s));
}

}  // namespace
}  // namespace shim::observe
