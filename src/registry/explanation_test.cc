#include "registry/explanation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "registry/testing.h"

namespace shim::registry {
namespace {

using namespace std::chrono_literals;
using registry::testing::asked;
using registry::testing::entry_at;
using registry::testing::reference;
using test::FakeRegistry;
using test::Fault;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;
using Kind = Outcome::Kind;

class Explaining : public registry::testing::ResolverTest {
 protected:
  Explanation explain(const std::string& image = "nginx:1.25", ResolveRequest request = {}) {
    std::optional<Explanation> explanation;
    boost::asio::co_spawn(context_, resolver_->explain(reference(image), std::move(request)),
                          [&](const std::exception_ptr& thrown, Explanation done) {
                            EXPECT_FALSE(thrown);
                            explanation = std::move(done);
                          });
    run_until([&] { return explanation.has_value(); });
    return std::move(*explanation);
  }
  // Name of the line that is chosen; empty where none is.
  static std::string chosen(const Explanation& explanation) {
    std::string name;
    for (const Explanation::Line& line : explanation.lines) {
      if (!line.is_chosen) continue;
      EXPECT_EQ(name, "") << "one is chosen";
      name = line.name;
    }
    return name;
  }
  static std::string name_at(const FakeRegistry& registry) { return registry.host() + "/library/nginx:1.25"; }

  FakeRegistry first_;
  FakeRegistry second_;
  FakeRegistry third_;
};

TEST_F(Explaining, AsksAllAndSaysWhoIsChosenAndWhyTheOthersAreNot) {
  second_.put_manifest("library/nginx", "1.25");
  third_.put_manifest("library/nginx", "1.25");
  make_resolver({entry_at(first_.url(), 900), entry_at(second_.url(), 500), entry_at(third_.url(), 100)});

  const Explanation explanation = explain();

  EXPECT_EQ(explanation.image, "nginx:1.25");
  EXPECT_EQ(explanation.canonical, "docker.io/library/nginx:1.25");
  ASSERT_THAT(explanation.lines, SizeIs(4));
  EXPECT_EQ(chosen(explanation), name_at(second_));
  const auto& lines = explanation.lines;
  EXPECT_EQ(lines[0].registry, first_.url());
  EXPECT_EQ(lines[0].priority, 900);
  EXPECT_EQ(lines[0].kind, Kind::absent);
  EXPECT_EQ(lines[0].verdict, "never pulled from: it does not have it");
  EXPECT_TRUE(lines[0].answered_in);
  EXPECT_FALSE(lines[0].known_for);
  EXPECT_FALSE(lines[0].circuit.value().is_open);
  EXPECT_EQ(lines[1].verdict, "chosen: the first that has it");
  EXPECT_EQ(lines[2].verdict, "has it, but " + second_.url() + " comes first");
  EXPECT_EQ(lines[3].registry, "docker.io");
  EXPECT_TRUE(lines[3].is_original);
  EXPECT_FALSE(lines[3].circuit);
  EXPECT_EQ(lines[3].verdict, "tried when the configured registries have failed");
}

TEST_F(Explaining, UsesWhatIsKnownAndLeavesWhatItLearns) {
  first_.put_manifest("library/nginx", "1.25");
  make_resolver({entry_at(first_.url(), 900)});
  explain();
  EXPECT_TRUE(explain().lines.at(0).known_for);
  EXPECT_EQ(first_of("nginx:1.25"), name_at(first_));
  EXPECT_THAT(first_.requests(), SizeIs(1));
}

TEST_F(Explaining, ReportsRegistriesThatAreLeftOut) {
  first_.set_fault("*", {.kind = Fault::Kind::status, .status = 429, .retry_after = "120"});
  make_resolver({entry_at(first_.url(), 900)});
  explain("alpine");

  const Explanation explanation = explain();

  EXPECT_EQ(chosen(explanation), "nginx:1.25");
  const Explanation::Line& line = explanation.lines.at(0);
  EXPECT_TRUE(line.circuit.value().is_open);
  EXPECT_THAT(line.circuit->reason, StartsWith("429"));
  EXPECT_GT(line.circuit->next_check_in.value(), 100s);
  EXPECT_THAT(line.reason, StartsWith("left out for"));
  EXPECT_EQ(line.verdict, "left out: tried when all others have failed");
  EXPECT_THAT(first_.requests(), SizeIs(1));
}

TEST_F(Explaining, SaysWhoGaveNoClearAnswer) {
  first_.set_fault("*", {.kind = Fault::Kind::status, .status = 403});
  make_resolver({entry_at(first_.url(), 900)});
  const Explanation explanation = explain();
  EXPECT_EQ(chosen(explanation), name_at(first_)) << "as a pull would";
  EXPECT_EQ(explanation.lines.at(0).verdict, "chosen: none says that it has it, and this one may");
  EXPECT_EQ(explanation.lines.at(0).kind, Kind::refused);
}

TEST_F(Explaining, DoesNotWaitPastTheCallersDeadline) {
  first_.set_fault("*", {.kind = Fault::Kind::hang});
  make_resolver({entry_at(first_.url(), 900)});
  const Explanation explanation = explain("nginx:1.25", {.deadline = std::chrono::steady_clock::now() + 50ms});
  EXPECT_THAT(explanation.lines.at(0).reason, StartsWith("no answer within"));
}

TEST_F(Explaining, ListsLastThoseThatDoNotMatchAndWhy) {
  Entry other = entry_at(first_.url(), 900);
  other.rule.match = {image::Pattern::parse("quay.io").value(), image::Pattern::parse("ghcr.io/org").value()};
  Entry shut = entry_at(second_.url(), 900);
  shut.rule.exclude = {image::Pattern::parse("docker.io/library/*").value()};
  Entry team = entry_at(third_.url(), 900);
  team.rule.namespaces = {"team-*", "ops"};
  Entry rewritten = entry_at("https://harbor.local", 900);
  rewritten.rewrite.push_back(image::RewriteRule::parse("^.*$", "NOT/a/path").value());
  options_.fallback = Fallback::deny;
  make_resolver({other, shut, team, rewritten});

  const Explanation explanation = explain("nginx:1.25", {.pod_namespace = "default"});

  EXPECT_EQ(chosen(explanation), "");
  EXPECT_EQ(explanation.pod_namespace, "default");
  std::vector<std::string> verdicts;
  for (const Explanation::Line& line : explanation.lines) {
    EXPECT_EQ(line.name, "");
    verdicts.push_back(line.verdict);
  }
  EXPECT_THAT(verdicts, ElementsAre("match: quay.io, ghcr.io/org does not cover docker.io/library/nginx",
                                    "excluded by docker.io/library/*", "only for namespaces team-*, ops",
                                    StartsWith("rewrite: the rewrite of \"^.*$\""), "kept out by `fallback: deny`"));
  EXPECT_THAT(asked(first_), IsEmpty());
}

}  // namespace
}  // namespace shim::registry
