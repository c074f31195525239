#include "image/rewrite.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace shim::image {
namespace {

using testing::HasSubstr;

Reference image(std::string_view text) {
  return Reference::parse(text).value();
}
RewriteRule rule(std::string_view from, std::string_view to) {
  return RewriteRule::parse(from, to).value();
}

TEST(Rewrite, WithoutARuleThePathStays) {
  EXPECT_EQ(rewritten_path({}, image("ghcr.io/org/app:v1")), "org/app");
  EXPECT_EQ(rewritten_path({}, image("nginx")), "library/nginx");
}

TEST(Rewrite, WithoutAMatchThePathStays) {
  EXPECT_EQ(rewritten_path({rule("^quay\\.io/", "quay/")}, image("ghcr.io/org/app")), "org/app");
}

TEST(Rewrite, ReplacesTheFirstMatchInTheCanonicalRepository) {
  EXPECT_EQ(rewritten_path({rule("^docker\\.io/", "hub/")}, image("nginx:1.25")), "hub/library/nginx");
  EXPECT_EQ(rewritten_path({rule("^docker\\.io/library/(.*)$", R"(mirror/\1)")}, image("nginx")), "mirror/nginx");
  EXPECT_EQ(rewritten_path({rule("^([^/]+)/([^/]+)/(.+)$", R"(\2/\3-from-\1)")}, image("ghcr.io/org/app")),
            "org/app-from-ghcr.io");
  EXPECT_EQ(rewritten_path({rule("a", "b")}, image("a.io/a/a")), "b.io/a/a");
  EXPECT_EQ(rewritten_path({rule("^.*$", R"(x/y)")}, image("nginx")), "x/y");
}

TEST(Rewrite, TheFirstRuleThatMatchesDecides) {
  const std::vector<RewriteRule> rules = {rule("^quay\\.io/", "one/"), rule("^ghcr\\.io/", "two/"),
                                          rule("^ghcr\\.io/org/", "three/")};
  EXPECT_EQ(rewritten_path(rules, image("ghcr.io/org/app")), "two/org/app");
}

TEST(Rewrite, SeesNoTagAndNoDigest) {
  EXPECT_EQ(rewritten_path({rule("v1", "x")}, image("ghcr.io/org/app:v1")), "org/app");
}

TEST(Rewrite, AResultThatIsNoRepositoryIsAnError) {
  for (const std::string_view to : {"", "UPPER", "a//b", "/lead", "a:tag", "a b", "../x"}) {
    EXPECT_FALSE(rewritten_path({rule("^.*$", to)}, image("nginx"))) << to;
  }
  EXPECT_EQ(
      rewritten_path({rule("^.*$", "Up")}, image("nginx")).error().message,
      "the rewrite of \"^.*$\" to \"Up\" makes \"Up\" of docker.io/library/nginx, which is no repository: the path "
      "must be lower case: \"Up\"");
}

TEST(RewriteRule, RefusesABadExpression) {
  EXPECT_THAT(RewriteRule::parse("(", "x").error().message, HasSubstr("missing )"));
  EXPECT_THAT(RewriteRule::parse("a(?=b)", "x").error().message, HasSubstr("no RE2 expression"));
  EXPECT_FALSE(RewriteRule::parse("", "x"));
  EXPECT_FALSE(RewriteRule::parse("((a{1000}){1000}){1000}", "x"));
}

TEST(RewriteRule, RefusesAGroupThatDoesNotExist) {
  EXPECT_THAT(RewriteRule::parse("(a)", R"(\2)").error().message, HasSubstr("2"));
  EXPECT_FALSE(RewriteRule::parse("a", R"(\)"));
  EXPECT_TRUE(RewriteRule::parse("a", R"(\0)"));
}

TEST(RewriteRule, ComparesByWhatWasWritten) {
  EXPECT_EQ(rule("a", "b"), rule("a", "b"));
  EXPECT_FALSE(rule("a", "b") == rule("a", "c"));
}

}  // namespace
}  // namespace shim::image
