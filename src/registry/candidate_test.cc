#include "registry/candidate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <exception>
#include <optional>
#include <string>
#include <vector>

namespace shim::registry {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Entry entry(const char* address, int priority = 500) {
  Entry made{.address = image::Address::parse(address).value()};
  made.priority = priority;
  made.rule = default_rule(made.address);
  return made;
}

Entry offline(const char* address, int priority = 1000) {
  Entry made = entry(address, priority);
  made.is_offline = true;
  return made;
}

Entry with_match(Entry made, std::vector<const char*> match, std::vector<const char*> exclude = {}) {
  made.rule.match.clear();
  for (const char* text : match) made.rule.match.push_back(image::Pattern::parse(text).value());
  for (const char* text : exclude) made.rule.exclude.push_back(image::Pattern::parse(text).value());
  return made;
}

Entry for_namespaces(Entry made, std::vector<std::string> namespaces) {
  made.rule.namespaces = std::move(namespaces);
  return made;
}

Entry with_rewrite(Entry made, const char* from, const char* to) {
  made.rewrite.push_back(image::RewriteRule::parse(from, to).value());
  return made;
}

Selection select(const char* image, const std::vector<Entry>& entries, Fallback fallback = Fallback::upstream,
                 const char* pod_namespace = "") {
  return select_candidates(image::Reference::parse(image).value(), entries, pod_namespace, fallback);
}

std::vector<std::string> names(const Selection& selection) {
  std::vector<std::string> list;
  for (const Candidate& candidate : selection.candidates) list.push_back(candidate.name);
  return list;
}

TEST(Candidates, KeepThePathAndDropTheSourceHost) {
  const std::vector entries{entry("http://sealos.hub:5000")};
  EXPECT_THAT(names(select("nginx", entries)), ElementsAre("sealos.hub:5000/library/nginx:latest", "nginx"));
  EXPECT_THAT(names(select("ghcr.io/org/app:v1", entries)),
              ElementsAre("sealos.hub:5000/org/app:v1", "ghcr.io/org/app:v1"));
}

TEST(Candidates, SayWhatTheRegistryIsAsked) {
  const std::vector entries{entry("https://harbor.local/proxy")};
  const Selection selection = select("nginx:1.25", entries);
  const Candidate& mirror = selection.candidates[0];
  EXPECT_EQ(mirror.entry, &entries[0]);
  EXPECT_EQ(mirror.name, "harbor.local/proxy/library/nginx:1.25");
  EXPECT_EQ(mirror.repository, "proxy/library/nginx");
  EXPECT_EQ(mirror.tag_or_digest, "1.25");
  EXPECT_FALSE(mirror.is_original);
  const Candidate& upstream = selection.candidates[1];
  EXPECT_EQ(upstream.entry, nullptr);
  EXPECT_EQ(upstream.name, "nginx:1.25");
  EXPECT_TRUE(upstream.is_original);
}

TEST(Candidates, GoByPriorityThenOfflineThenFileOrder) {
  const std::vector entries{entry("https://a.test", 100), entry("https://b.test", 600), entry("https://c.test", 600),
                            offline("http://off.test", 600), entry("https://d.test", 700)};
  EXPECT_THAT(names(select("quay.io/x/y:1", entries)), ElementsAre("d.test/x/y:1", "off.test/x/y:1", "b.test/x/y:1",
                                                                   "c.test/x/y:1", "a.test/x/y:1", "quay.io/x/y:1"));
}

TEST(Candidates, BeginWithTheEntryOnTheReferencesOwnHost) {
  const std::vector entries{offline("http://sealos.hub:5000"), entry("https://harbor.local/proxy", 1)};
  const Selection selection = select("harbor.local/team/app:1", entries);
  EXPECT_THAT(names(selection), ElementsAre("harbor.local/team/app:1", "sealos.hub:5000/team/app:1"));
  EXPECT_EQ(selection.candidates[0].entry, &entries[1]);
  EXPECT_EQ(selection.candidates[0].repository, "team/app");
  EXPECT_TRUE(selection.candidates[0].is_original);
}

TEST(Candidates, OnTheirOwnHostDoNotDependOnMatch) {
  const std::vector entries{with_match(entry("https://harbor.local"), {"docker.io"})};
  const Selection selection = select("harbor.local/team/app:1", entries, Fallback::deny);
  EXPECT_THAT(names(selection), ElementsAre("harbor.local/team/app:1"));
}

TEST(Candidates, OnTheirOwnHostRespectExcludeAndNamespaces) {
  const std::vector excluded{with_match(entry("https://harbor.local"), {"*"}, {"harbor.local/secret"})};
  EXPECT_EQ(select("harbor.local/secret/app", excluded).candidates[0].entry, nullptr);
  const std::vector scoped{for_namespaces(entry("https://harbor.local"), {"team-a"})};
  EXPECT_EQ(select("harbor.local/app", scoped, Fallback::upstream, "team-b").candidates[0].entry, nullptr);
  EXPECT_EQ(select("harbor.local/app", scoped, Fallback::upstream, "team-a").candidates[0].entry, &scoped[0]);
}

TEST(Candidates, OfTwoEntriesOnTheOwnHostAreOneWithTheNearestPrefix) {
  const std::vector entries{entry("https://harbor.local/a", 900), entry("https://harbor.local/b"),
                            entry("https://harbor.local/b/c")};
  auto chosen = [&](const char* image) { return select(image, entries).candidates.at(0).entry; };
  EXPECT_EQ(chosen("harbor.local/b/x"), &entries[1]);
  EXPECT_EQ(chosen("harbor.local/b/c/x"), &entries[2]);
  EXPECT_EQ(chosen("harbor.local/bc/x"), &entries[0]);
  EXPECT_EQ(select("harbor.local/b/x", entries).candidates.size(), 1U);
}

TEST(Candidates, OfTwoEntriesOnOneHostDifferInTheirPrefix) {
  const std::vector entries{with_match(entry("https://harbor.local/dockerhub"), {"docker.io"}),
                            with_match(entry("https://harbor.local/ghcr"), {"ghcr.io"})};
  EXPECT_THAT(names(select("nginx:1", entries)), ElementsAre("harbor.local/dockerhub/library/nginx:1", "nginx:1"));
  EXPECT_THAT(names(select("ghcr.io/org/app:1", entries)),
              ElementsAre("harbor.local/ghcr/org/app:1", "ghcr.io/org/app:1"));
}

TEST(Candidates, OfPublicRegistriesAreTheirOwnImagesOnly) {
  const std::vector entries{entry("docker.io"), entry("ghcr.io"), entry("https://mirror.gcr.io")};
  EXPECT_THAT(names(select("quay.io/org/app:1", entries)), ElementsAre("quay.io/org/app:1"));
  EXPECT_THAT(names(select("sealos.hub:5000/org/app:1", entries)), ElementsAre("sealos.hub:5000/org/app:1"));
  EXPECT_THAT(names(select("ghcr.io/org/app:1", entries)), ElementsAre("ghcr.io/org/app:1"));
  EXPECT_THAT(names(select("nginx:1", entries)), ElementsAre("nginx:1", "mirror.gcr.io/library/nginx:1"));
}

TEST(Candidates, OfAPublicRegistryMayBeOthersWhereMatchSaysSo) {
  const std::vector entries{with_match(entry("ghcr.io/mirrors"), {"quay.io"})};
  EXPECT_THAT(names(select("quay.io/org/app:1", entries)),
              ElementsAre("ghcr.io/mirrors/org/app:1", "quay.io/org/app:1"));
}

TEST(Candidates, AreForTheNamespacesOfTheirEntry) {
  const std::vector entries{for_namespaces(entry("https://a.test"), {"team-a"})};
  EXPECT_THAT(names(select("x/y:1", entries, Fallback::deny, "team-a")), ElementsAre("a.test/x/y:1"));
  EXPECT_THAT(names(select("x/y:1", entries, Fallback::deny, "team-b")), IsEmpty());
  EXPECT_THAT(names(select("x/y:1", entries, Fallback::deny)), IsEmpty());
}

TEST(Candidates, AreNotWhatIsExcluded) {
  const std::vector entries{with_match(entry("https://a.test"), {"*"}, {"ghcr.io/org"})};
  EXPECT_THAT(names(select("ghcr.io/org/app:1", entries, Fallback::deny)), IsEmpty());
  EXPECT_THAT(names(select("ghcr.io/organic/app:1", entries, Fallback::deny)), ElementsAre("a.test/organic/app:1"));
}

TEST(Candidates, EndWithTheOriginalUnlessItIsDenied) {
  const std::vector entries{entry("https://a.test")};
  EXPECT_THAT(names(select("x/y:1", entries, Fallback::deny)), ElementsAre("a.test/x/y:1"));
  EXPECT_THAT(names(select("x/y:1", {}, Fallback::upstream)), ElementsAre("x/y:1"));
}

TEST(Candidates, KeepTheDigest) {
  const std::string digest = "sha256:" + std::string(64, 'a');
  const std::vector entries{entry("https://a.test")};
  const Selection selection = select(("x/y:1@" + digest).c_str(), entries, Fallback::deny);
  EXPECT_EQ(selection.candidates[0].name, "a.test/x/y:1@" + digest);
  EXPECT_EQ(selection.candidates[0].tag_or_digest, digest);
  EXPECT_THAT(selection.warnings, IsEmpty());
}

TEST(Candidates, GiveUpADigestWhereTheEntryAllowsItAndSaySo) {
  const std::string digest = "sha256:" + std::string(64, 'a');
  std::vector entries{entry("https://a.test")};
  entries[0].digest_fallback = DigestFallback::tag;
  const Selection selection = select(("x/y:1@" + digest).c_str(), entries);
  EXPECT_THAT(names(selection), ElementsAre("a.test/x/y:1", "x/y:1@" + digest));
  EXPECT_EQ(selection.candidates[0].tag_or_digest, "1");
  EXPECT_THAT(selection.warnings, ElementsAre(HasSubstr("digestFallback: tag")));

  const Selection no_tag = select(("x/y@" + digest).c_str(), entries, Fallback::deny);
  EXPECT_THAT(names(no_tag), ElementsAre("a.test/x/y@" + digest));
  EXPECT_THAT(no_tag.warnings, IsEmpty());
}

TEST(Candidates, AreRewrittenBelowTheAddress) {
  const std::vector entries{with_rewrite(entry("https://harbor.local/all"), "^docker.io/(.*)", R"(hub/\1)")};
  EXPECT_THAT(names(select("nginx:1", entries, Fallback::deny)), ElementsAre("harbor.local/all/hub/library/nginx:1"));
}

TEST(Candidates, ThatARewriteMakesInvalidAreLeftOutWithAWarning) {
  const std::vector entries{with_rewrite(entry("https://harbor.local"), "^docker.io/", "UPPER/../"),
                            entry("https://other.test")};
  const Selection selection = select("nginx:1", entries, Fallback::deny);
  EXPECT_THAT(names(selection), ElementsAre("other.test/library/nginx:1"));
  EXPECT_THAT(selection.warnings,
              ElementsAre(HasSubstr("https://harbor.local is not asked for docker.io/library/nginx:1")));
}

TEST(DefaultRule, OfAPrivateRegistryIsEverything) {
  EXPECT_EQ(default_rule(image::Address::parse("http://sealos.hub:5000").value()).match[0].text(), "*");
}

TEST(DefaultRule, OfAPublicRegistryDoesNotDependOnThePort) {
  EXPECT_EQ(default_rule(image::Address::parse("https://quay.io:443").value()).match[0].text(), "quay.io");
  EXPECT_EQ(default_rule(image::Address::parse("index.docker.io").value()).match[0].text(), "docker.io");
  EXPECT_EQ(default_rule(image::Address::parse("eu.gcr.io").value()).match[0].text(), "eu.gcr.io");
}

Expected<std::optional<PullCredential>> pull_credential_of(const Entry& entry) {
  boost::asio::io_context io;
  credentials::Keychain keychain;
  Expected<std::optional<PullCredential>> result;
  boost::asio::co_spawn(io,
                        pull_credential(keychain, entry, "library/nginx", std::chrono::steady_clock::time_point::max()),
                        [&](std::exception_ptr, Expected<std::optional<PullCredential>> done) { result = done; });
  io.run();
  return result;
}

TEST(PullCredential, IsForTheFullUrlOfTheApi) {
  Entry hub = entry("docker.io");
  EXPECT_FALSE(pull_credential_of(hub)->has_value());
  hub.credential = credentials::Credential{.username = "u", .password = Secret("p")};
  const PullCredential credential = pull_credential_of(hub).value().value();
  EXPECT_EQ(credential.server_address, "https://registry-1.docker.io");
  EXPECT_EQ(credential.credential.username, "u");
  EXPECT_EQ(credential.credential.password.reveal(), "p");
}

}  // namespace
}  // namespace shim::registry
