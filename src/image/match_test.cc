#include "image/match.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <vector>

namespace shim::image {
namespace {

using testing::HasSubstr;

Reference image(std::string_view text) {
  return Reference::parse(text).value();
}
Pattern pattern(std::string_view text) {
  return Pattern::parse(text).value();
}

struct Row {
  std::string_view pattern, image;
  bool matches;
};

void check(const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    const auto parsed = Pattern::parse(row.pattern);
    ASSERT_TRUE(parsed) << parsed.error().message;
    EXPECT_EQ(parsed->matches(image(row.image)), row.matches) << row.pattern << " and " << row.image;
  }
}

TEST(Pattern, AStarMatchesEveryImage) {
  check({{"*", "nginx", true},
         {"*", "[::1]:5000/a/b@sha256:0000000000000000000000000000000000000000000000000000000000000000", true}});
}

TEST(Pattern, AHostMatchesItsImagesWithItsPort) {
  check({
      {"ghcr.io", "ghcr.io/org/app:v1", true},
      {"ghcr.io/", "ghcr.io/org/app:v1", true},
      {"GHCR.io", "ghcr.io/org/app:v1", true},
      {"ghcr.io", "GHCR.IO/org/app:v1", true},
      {"ghcr.io", "xghcr.io/app", false},
      {"ghcr.io", "ghcr.io.evil.com/app", false},
      {"ghcr.io", "ghcr.io:443/app", false},
      {"ghcr.io", "quay.io/ghcr.io/app", false},
      {"a:5000", "a:5000/x", true},
      {"a:5000", "a:5001/x", false},
      {"localhost", "localhost/x", true},
      {"localhost", "localhost:5000/x", false},
      {"[::1]:5000", "[::1]:5000/x", true},
      {"docker.io", "nginx", true},
      {"index.docker.io", "nginx", true},
      {"docker.io", "registry-1.docker.io/org/app", true},
  });
}

TEST(Pattern, ALeadingStarIsOneOrMoreLabels) {
  check({
      {"*.gcr.io", "eu.gcr.io/p/x", true},
      {"*.gcr.io", "a.b.gcr.io/p/x", true},
      {"*.gcr.io", "EU.GCR.io/p/x", true},
      {"*.gcr.io", "gcr.io/p/x", false},
      {"*.gcr.io", "evilgcr.io/p/x", false},
      {"*.gcr.io", "eu.gcr.io:443/p/x", false},
      {"*.corp:5000", "hub.corp:5000/x", true},
      {"*.corp:5000", "hub.corp/x", false},
      {"*.gcr.io/p", "eu.gcr.io/p/x", true},
      {"*.gcr.io/p", "eu.gcr.io/q/x", false},
  });
}

TEST(Pattern, APathIsMatchedInWholeComponents) {
  check({
      {"ghcr.io/org", "ghcr.io/org/app", true},
      {"ghcr.io/org", "ghcr.io/org", true},
      {"ghcr.io/org/", "ghcr.io/org/app", true},
      {"ghcr.io/org", "ghcr.io/organic/app", false},
      {"ghcr.io/org", "ghcr.io/org-x/app", false},
      {"ghcr.io/org", "ghcr.io/x/org", false},
      {"ghcr.io/org/app", "ghcr.io/org/app:v1", true},
      {"ghcr.io/org/app", "ghcr.io/org/app/sidecar", true},
      {"ghcr.io/org/app", "ghcr.io/org/application", false},
      {"ghcr.io/org/app", "ghcr.io/org", false},
      {"ghcr.io/org", "quay.io/org/app", false},
      {"*/org", "quay.io/org/app", true},
      {"*/org", "quay.io/other/app", false},
  });
}

TEST(Pattern, AHubPathAlsoMeansTheOfficialImage) {
  check({
      {"docker.io/nginx", "nginx:1.25", true},
      {"docker.io/nginx", "nginx/nginx-ingress", true},
      {"docker.io/nginx", "nginx-unit", false},
      {"docker.io/library/nginx", "nginx", true},
      {"docker.io/library", "nginx", true},
      {"docker.io/library", "org/app", false},
      {"docker.io/ngi*", "nginx", true},
      {"ghcr.io/nginx", "ghcr.io/library/nginx", false},
  });
}

TEST(Pattern, AGlobStandsForAnyCharacters) {
  check({
      {"ghcr.io/team-*", "ghcr.io/team-a/app", true},
      {"ghcr.io/team-*", "ghcr.io/team/app", false},
      {"ghcr.io/org*", "ghcr.io/organic/app", true},
      {"ghcr.io/org/*", "ghcr.io/org/a/b/c", true},
      {"ghcr.io/org/*", "ghcr.io/org", false},
      {"ghcr.io/*", "ghcr.io/x", true},
      {"ghcr.io/*/app", "ghcr.io/org/app", true},
      {"ghcr.io/*/app", "ghcr.io/org/app/sidecar", true},
      {"ghcr.io/*/app", "ghcr.io/org/application", false},
      {"ghcr.io/*-dev/*", "ghcr.io/team-dev/app", true},
      {"ghcr.io/*a*b*c", "ghcr.io/xxaxxbxxc", true},
      {"ghcr.io/*a*b*c", "ghcr.io/xxaxxcxxb", false},
  });
}

TEST(Pattern, AHostileGlobTakesNoTime) {
  std::string glob = "ghcr.io/";
  for (int i = 0; i < 100; ++i) glob += "a*";
  const auto hostile = pattern(glob + "b");
  const auto subject = image("ghcr.io/" + std::string(250, 'a'));
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(hostile.matches(subject));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
}

TEST(Pattern, RefusesWhatCanMatchNothing) {
  for (const std::string_view text : {"",
                                      "nginx",
                                      "library/nginx",
                                      "https://ghcr.io",
                                      "ghcr.io/org/app:v1",
                                      "ghcr.io/app@sha256:00",
                                      "ghcr.io/Org",
                                      "ghcr.io//org",
                                      "ghcr.io/o rg",
                                      "*gcr.io",
                                      "gcr.*",
                                      "a.*.io",
                                      "*.",
                                      "gh_cr.io/x",
                                      "/org",
                                      "ghcr.io/-org",
                                      "gcr.io:x",
                                      " ",
                                      "*.*.io",
                                      "ghcr.io/org//"}) {
    EXPECT_FALSE(Pattern::parse(text)) << text;
  }
}

TEST(Pattern, SaysWhatToWriteInstead) {
  EXPECT_EQ(Pattern::parse("nginx").error().message,
            "invalid pattern \"nginx\": \"nginx\" is no host; for images of Docker Hub write docker.io/nginx");
  EXPECT_THAT(Pattern::parse("ghcr.io/org/app:v1").error().message, HasSubstr("tag or a digest"));
}

TEST(MatchRule, NeedsOneMatchAndNoExclusion) {
  const MatchRule rule{
      .match = {pattern("ghcr.io"), pattern("quay.io")}, .exclude = {pattern("ghcr.io/private")}, .namespaces = {}};
  EXPECT_TRUE(rule.matches(image("ghcr.io/org/app"), ""));
  EXPECT_TRUE(rule.matches(image("quay.io/org/app"), "any"));
  EXPECT_FALSE(rule.matches(image("ghcr.io/private/app"), ""));
  EXPECT_FALSE(rule.matches(image("nginx"), ""));
}

TEST(MatchRule, AnEmptyMatchMatchesNothing) {
  EXPECT_FALSE(MatchRule{}.matches(image("nginx"), "default"));
}

TEST(MatchRule, NamespacesAreOfThePod) {
  const MatchRule rule{.match = {pattern("*")}, .exclude = {}, .namespaces = {"prod", "team-*"}};
  EXPECT_TRUE(rule.matches(image("nginx"), "prod"));
  EXPECT_TRUE(rule.matches(image("nginx"), "team-a"));
  EXPECT_FALSE(rule.matches(image("nginx"), "production"));
  EXPECT_FALSE(rule.matches(image("nginx"), "steam-a"));
  EXPECT_FALSE(rule.matches(image("nginx"), ""));
}

TEST(MatchRule, WithNamespacesAPullWithoutASandboxDoesNotMatch) {
  const MatchRule rule{.match = {pattern("*")}, .exclude = {}, .namespaces = {"*"}};
  EXPECT_TRUE(rule.matches(image("nginx"), "default"));
  EXPECT_FALSE(rule.matches(image("nginx"), ""));
}

}  // namespace
}  // namespace shim::image
