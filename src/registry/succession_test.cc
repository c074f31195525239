#include "registry/succession.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>

#include "registry/testing.h"

namespace shim::registry {
namespace {

using registry::testing::entry_at;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Entries = std::vector<Entry>;

constexpr auto kGone = std::nullopt;

Entry entry(const std::string& address) {
  return entry_at(address, 500);
}

Entry with_user(Entry entry, const std::string& name) {
  entry.credential = credentials::Credential{.username = name, .password = Secret("x")};
  return entry;
}

// What becomes of one entry that is changed.
template <class Change>
std::optional<std::size_t> after(Change change) {
  const Entries former{entry("a.example/x")};
  Entries now = former;
  change(now[0]);
  return succession(former, now, true).entries.at(0);
}

TEST(AnEntry, GoesOnUnderItsNewNumber) {
  const Entries former{entry("a.example"), entry("b.example"), entry("c.example")};
  const Entries now{entry("c.example"), entry("d.example"), entry("a.example")};
  EXPECT_THAT(succession(former, now, true).entries, ElementsAre(2, kGone, 0));
}

TEST(AnEntry, GoesOnWhereOnlyItsOrderChanges) {
  EXPECT_EQ(after([](Entry& entry) { entry.priority = 1; }), 0U);
  EXPECT_EQ(after([](Entry& entry) { entry.is_offline = true; }), 0U);
}

TEST(AnEntry, EndsWhereItsAnswersMayChange) {
  EXPECT_EQ(after([](Entry& entry) { entry.address = image::Address::parse("a.example/y").value(); }), kGone);
  EXPECT_EQ(after([](Entry& entry) { entry.address = image::Address::parse("http://a.example/x").value(); }), kGone);
  EXPECT_EQ(after([](Entry& entry) { entry.credential = credentials::Credential(); }), kGone);
  EXPECT_EQ(after([](Entry& entry) { entry.tls.insecure_skip_verify = true; }), kGone);
  EXPECT_EQ(after([](Entry& entry) { entry.rule.match = {image::Pattern::parse("ghcr.io").value()}; }), kGone);
  EXPECT_EQ(after([](Entry& entry) { entry.rewrite = {image::RewriteRule::parse("a", "b").value()}; }), kGone);
  EXPECT_EQ(after([](Entry& entry) { entry.digest_fallback = DigestFallback::tag; }), kGone);
}

TEST(AnEntry, EndsWhereOtherSourcesAnswerForIt) {
  const Entries entries{entry("a.example"), with_user(entry("b.example"), "robot")};
  EXPECT_THAT(succession(entries, entries, false).entries, ElementsAre(kGone, 1));
}

TEST(AnEntry, GoesOnOnceWhereTwoAreTheSame) {
  const Entries two{entry("a.example"), entry("a.example")};
  EXPECT_THAT(succession(two, two, true).entries, ElementsAre(0, 1));
  EXPECT_THAT(succession(two, Entries{entry("a.example")}, true).entries, ElementsAre(0, kGone));
}

TEST(ARegistry, GoesOnWithANewPrefixForTheSameUser) {
  const Entries former{with_user(entry("a.example/x"), "robot")};
  const Entries now{with_user(entry("a.example/y"), "robot"), with_user(entry("a.example/x"), "robot")};
  EXPECT_THAT(succession(former, now, true).registries, ElementsAre("https://a.example"));
}

TEST(ARegistry, EndsWithAnyOfItsUsers) {
  const Entries both{with_user(entry("a.example/x"), "one"), with_user(entry("a.example/y"), "two")};
  const Entries one{both[0]};
  EXPECT_THAT(succession(both, one, true).registries, IsEmpty());
  EXPECT_THAT(succession(one, both, true).registries, IsEmpty());
}

TEST(ARegistry, EndsWhereOtherSourcesAnswerForIt) {
  const Entries entries{entry("a.example"), with_user(entry("b.example"), "robot")};
  EXPECT_THAT(succession(entries, entries, false).registries, ElementsAre("https://b.example"));
}

}  // namespace
}  // namespace shim::registry
