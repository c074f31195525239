#include "cri/decision_log.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "registry/entry.h"

namespace shim::cri {
namespace {

using registry::Candidate;
using registry::Entry;
using registry::Outcome;
using Kind = Outcome::Kind;

Entry entry_at(const std::string& address, int priority) {
  Entry entry{.address = image::Address::parse(address).value()};
  entry.priority = priority;
  return entry;
}

Outcome outcome(std::string source, Kind kind, std::string reason = {}) {
  return {.source = std::move(source), .name = "x", .kind = kind, .reason = std::move(reason)};
}

// ── The last pulls ───────────────────────────────────────────────────────────────────────────────────────────────────

TEST(ADecisionLog, HasTheNewestFirst) {
  DecisionLog log;
  log.add({.image = "one"});
  log.add({.image = "two"});
  ASSERT_EQ(log.decisions().size(), 2u);
  EXPECT_EQ(log.decisions()[0].image, "two");
  EXPECT_EQ(log.decisions()[1].image, "one");
}

TEST(ADecisionLog, KeepsNoMoreThanItsCapacity) {
  DecisionLog log;
  for (std::size_t i = 0; i <= DecisionLog::kCapacity; ++i) log.add({.image = std::to_string(i)});
  EXPECT_EQ(log.decisions().size(), DecisionLog::kCapacity);
  EXPECT_EQ(log.decisions().back().image, "1");
}

TEST(ADecisionLog, KeepsNoEndlessOrUnprintableText) {
  DecisionLog log;
  log.add({.image = "nginx", .why = "\x1b[31m" + std::string(100'000, 'x')});
  const std::string why = log.decisions()[0].why;
  EXPECT_TRUE(why.starts_with("\\x1b[31mxxx")) << why.substr(0, 20);
  EXPECT_LE(why.size(), DecisionLog::kLongestText);
}

// ── Why this source ──────────────────────────────────────────────────────────────────────────────────────────────────

TEST(WhyChosen, IsThePriorityOfOneThatHasIt) {
  const Entry entry = entry_at("https://one.local", 1000);
  EXPECT_EQ(
      why_chosen({outcome("https://one.local", Kind::holds)}, {.entry = &entry, .name = "x"}, "https://one.local"),
      "priority 1000, has it");
}

TEST(WhyChosen, NamesThoseThatCameBeforeAndNotThoseAfter) {
  const Entry entry = entry_at("https://two.local", 500);
  EXPECT_EQ(why_chosen({outcome("https://one.local", Kind::unreachable, "left out for 12s: connection refused"),
                        outcome("https://two.local", Kind::holds), outcome("https://three.local", Kind::absent, "404")},
                       {.entry = &entry, .name = "x"}, "https://two.local"),
            "priority 500, has it; not https://one.local: left out for 12s: connection refused");
}

TEST(WhyChosen, NamesAPullThatFailedWhereverItStands) {
  const Entry entry = entry_at("https://one.local", 500);
  EXPECT_EQ(why_chosen({outcome("https://one.local", Kind::failed, "503"),
                        outcome("https://two.local", Kind::pull_failed, "unexpected EOF")},
                       {.entry = &entry, .name = "x"}, "https://one.local"),
            "priority 500, and it may have it (503); not https://two.local: unexpected EOF");
}

TEST(WhyChosen, SaysWhereItIsTheImagesOwnRegistry) {
  EXPECT_EQ(why_chosen({outcome("https://one.local", Kind::absent, "404 Not Found"),
                        outcome("docker.io", Kind::not_asked, "not asked")},
                       {.name = "x", .is_original = true}, "docker.io"),
            "the image's own registry; not https://one.local: 404 Not Found");
}

}  // namespace
}  // namespace shim::cri
