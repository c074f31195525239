// What a Resolver takes over from the one before it: all that is known of entries that have not changed, nothing of
// others.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/worker_pool.h"
#include "registry/testing.h"

namespace shim::registry {
namespace {

using registry::testing::asked;
using registry::testing::entry_at;
using registry::testing::reference;
using test::FakeRegistry;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

Entry with_user(Entry entry, const std::string& password) {
  entry.credential = credentials::Credential{.username = "robot", .password = Secret(password)};
  return entry;
}

class Reloading : public registry::testing::ResolverTest {
 protected:
  void reload(std::vector<Entry> entries) {
    resolver_ =
        std::make_unique<Resolver>(std::move(entries), options_, http_, context_.get_executor(), resolver_.get());
  }
  static std::size_t count(const FakeRegistry& registry, const std::string& beginning) {
    return static_cast<std::size_t>(std::ranges::count_if(
        asked(registry), [&](const std::string& request) { return request.starts_with(beginning); }));
  }
  static test::FakeRegistryOptions wanting_tokens() {
    test::FakeRegistryOptions options;
    options.wants_bearer = true;
    options.users = {{"robot", "old"}, {"other", "old"}};
    return options;
  }
  // Everybody who may have the image and is not known to answer is asked.
  void explain(const std::string& image) {
    bool has_ended = false;
    boost::asio::co_spawn(context_, resolver_->explain(reference(image), {}),
                          [&](const std::exception_ptr& thrown, const Explanation&) {
                            EXPECT_FALSE(thrown);
                            has_ended = true;
                          });
    run_until([&] { return has_ended; });
  }

  FakeRegistry first_;
  FakeRegistry second_;
};

TEST_F(Reloading, AsksAnUnchangedRegistryForNothingItHasAnswered) {
  first_.put_manifest("library/nginx", "1.25");
  make_resolver({entry_at(first_.url(), 900), entry_at(second_.url(), 100)});
  explain("nginx:1.25");
  reload({entry_at(second_.url(), 700), entry_at(first_.url(), 200)});
  EXPECT_EQ(first_of("nginx:1.25"), first_.host() + "/library/nginx:1.25");
  EXPECT_EQ(first_.requests().size(), 1U);
  EXPECT_EQ(second_.requests().size(), 1U) << "its no, too";
}

TEST_F(Reloading, AsksAChangedRegistryAnew) {
  first_.put_manifest("library/nginx", "1.25");
  make_resolver({entry_at(first_.url(), 900)});
  first_of("nginx:1.25");
  reload({with_user(entry_at(first_.url(), 900), "x")});
  first_of("nginx:1.25");
  EXPECT_EQ(first_.requests().size(), 2U);
}

TEST_F(Reloading, AsksARegistryAnewThatWasAwayForAWhile) {
  make_resolver({entry_at(first_.url(), 900)});
  first_of("nginx:1.25");
  reload({});
  reload({entry_at(first_.url(), 900)});
  first_of("nginx:1.25");
  EXPECT_EQ(first_.requests().size(), 2U);
}

TEST_F(Reloading, KeepsAnAnswerNoLongerThanTheNewTime) {
  first_.put_manifest("library/nginx", "1.25");
  make_resolver({entry_at(first_.url(), 900)});
  first_of("nginx:1.25");
  options_.cache.holds_ttl = std::chrono::nanoseconds(1);
  reload({entry_at(first_.url(), 900)});
  first_of("nginx:1.25");
  EXPECT_EQ(first_.requests().size(), 2U);
}

TEST_F(Reloading, KeepsTheImagesThatWereWantedLastWhereFewerAreKept) {
  make_resolver({entry_at(first_.url(), 900)});
  for (const std::string tag : {"1", "2", "3"}) first_of("nginx:" + tag);
  options_.cache.capacity = 1;
  reload({entry_at(first_.url(), 900)});
  EXPECT_EQ(resolver_->statistics().cache.references, 1U);
  first_of("nginx:3");
  EXPECT_EQ(first_.requests().size(), 3U);
}

TEST_F(Reloading, GoesOnWithTheTokenOfAnUnchangedRegistry) {
  const FakeRegistry registry(wanting_tokens());
  make_resolver({with_user(entry_at(registry.url(), 900), "old")});
  explain("nginx:1");
  reload({with_user(entry_at(registry.url(), 900), "old"), entry_at(first_.url(), 900)});
  explain("nginx:2");
  EXPECT_EQ(count(registry, "GET /token"), 1U);
  EXPECT_EQ(count(registry, "HEAD"), 3U) << "no second 401";
}

TEST_F(Reloading, FetchesATokenForAChangedCredential) {
  const FakeRegistry registry(wanting_tokens());
  make_resolver({with_user(entry_at(registry.url(), 900), "old")});
  explain("nginx:1");
  reload({with_user(entry_at(registry.url(), 900), "wrong")});
  explain("nginx:2");
  EXPECT_EQ(count(registry, "GET /token"), 2U);
}

TEST_F(Reloading, UsesNoTokenForLongerThanTheNewTime) {
  const FakeRegistry registry(wanting_tokens());
  make_resolver({with_user(entry_at(registry.url(), 900), "old")});
  explain("nginx:1");
  options_.max_token_age = std::chrono::seconds(1);
  reload({with_user(entry_at(registry.url(), 900), "old")});
  explain("nginx:2");
  EXPECT_EQ(count(registry, "GET /token"), 2U);
}

TEST_F(Reloading, AsksAnewWhereCredentialsComeFromElsewhere) {
  WorkerPool workers(1);
  make_resolver({entry_at(first_.url(), 900), with_user(entry_at(second_.url(), 100), "x")});
  explain("nginx:1");
  credentials::Keychain::Options sources;
  sources.docker_config = {"/nonexistent/config.json"};
  options_.keychain = std::make_shared<credentials::Keychain>(workers, sources);
  reload({entry_at(first_.url(), 900), with_user(entry_at(second_.url(), 100), "x")});
  explain("nginx:1");
  EXPECT_EQ(first_.requests().size(), 2U);
  EXPECT_EQ(second_.requests().size(), 1U) << "it has its own";
}

TEST_F(Reloading, LetsAPullInProgressGoOnAsItBegan) {
  first_.put_manifest("library/nginx", "1.25");
  second_.put_manifest("library/nginx", "1.25");
  make_resolver({entry_at(first_.url(), 900), entry_at(second_.url(), 100)});
  const auto resolution = resolve();
  EXPECT_EQ(next(*resolution), first_.host() + "/library/nginx:1.25");
  reload({});
  resolution->pull_failed("no");
  EXPECT_EQ(next(*resolution), second_.host() + "/library/nginx:1.25");
  resolution->pull_succeeded();
  EXPECT_EQ(resolver_->statistics().removed.pulls_succeeded, 1U);
  EXPECT_EQ(resolver_->statistics().failovers, 1U);
}

TEST_F(Reloading, LetsNoCounterGoBack) {
  first_.put_manifest("library/nginx", "1.25");
  make_resolver({entry_at(first_.url(), 900)});
  first_of("nginx:1.25");
  first_of("nginx:1.25");
  reload({with_user(entry_at(first_.url(), 900), "x")});
  const Statistics now = resolver_->statistics();
  EXPECT_EQ(now.cache.hits, 1U);
  EXPECT_EQ(now.cache.misses, 1U);
  EXPECT_EQ(now.registries.at(0).probes.at(static_cast<std::size_t>(Outcome::Kind::holds)), 1U);
}

// ── Against a model ──────────────────────────────────────────────────────────────────────────────────────────────────

// Configurations and images at random; the model knows which entry must have been asked for which image, and that no
// other may be.
class RandomReloads : public Reloading {
 protected:
  static constexpr std::size_t kRegistries = 4;
  static constexpr std::size_t kImages = 6;
  static constexpr int kVariants = 6;

  // Entries that differ in anything but their priority are different ones.
  using Identity = std::pair<std::size_t, int>;  // registry, variant

  std::size_t random(std::size_t below) { return std::uniform_int_distribution<std::size_t>(0, below - 1)(generator_); }

  Entry entry_of(const Identity& identity) {
    const auto& [number, variant] = identity;
    const std::string prefix = variant == 1 ? "/prefix" : "";
    Entry entry = entry_at(registries_[number].url() + prefix, static_cast<int>(random(1000)));
    if (variant == 2) entry = with_user(std::move(entry), "x");
    if (variant == 3) entry.rewrite = {image::RewriteRule::parse("^docker.io/library", "mirror").value()};
    if (variant == 4) entry.rule.match = {image::Pattern::parse("docker.io/library/*").value()};
    if (variant == 5) entry.tls.ca = "/unused-with-plain-http";
    return entry;
  }

  void reload_at_random() {
    std::set<Identity> chosen;
    for (std::size_t number = 0; number < kRegistries; ++number) {
      if (random(5) == 0) continue;
      const bool stays = random(3) != 0 && variants_.contains(number);
      chosen.emplace(number, stays ? variants_[number] : static_cast<int>(random(kVariants)));
    }
    variants_.clear();
    std::vector<Entry> entries;
    for (const Identity& identity : chosen) {
      variants_.insert(identity);
      entries.push_back(entry_of(identity));
    }
    std::ranges::shuffle(entries, generator_);
    std::erase_if(known_, [&](const auto& each) { return !chosen.contains(each.first); });
    reload(std::move(entries));
  }

  void look_up_at_random() {
    const std::string image = "image-" + std::to_string(random(kImages));
    std::map<std::size_t, std::size_t> before;
    for (const auto& [number, variant] : variants_) before[number] = registries_[number].requests().size();
    explain(image + ":1");
    for (const auto& [number, variant] : variants_) {
      const bool is_new = known_.emplace(Identity{number, variant}, image).second;
      EXPECT_EQ(registries_[number].requests().size() - before[number], is_new ? 1U : 0U)
          << image << " at registry " << number << " in form " << variant;
    }
  }

  std::mt19937 generator_{20'240'607};
  std::vector<FakeRegistry> registries_{kRegistries};
  std::map<std::size_t, int> variants_;               // of the registries configured now
  std::set<std::pair<Identity, std::string>> known_;  // which of their answers must be kept
};

TEST_F(RandomReloads, AskForWhatIsNotKnownAndForNothingElse) {
  options_.cache.absent_ttl = std::chrono::hours(1);
  make_resolver({});
  for (int round = 0; round < 400 && !HasFailure(); ++round) {
    if (random(4) == 0) {
      reload_at_random();
    } else {
      look_up_at_random();
    }
  }
  const Statistics statistics = resolver_->statistics();
  std::uint64_t probes = statistics.removed.probes.at(static_cast<std::size_t>(Outcome::Kind::absent));
  for (const RegistryStatistics& each : statistics.registries) {
    probes += each.probes.at(static_cast<std::size_t>(Outcome::Kind::absent));
  }
  std::size_t requests = 0;
  for (const FakeRegistry& registry : registries_) requests += registry.requests().size();
  EXPECT_EQ(probes, requests) << "none is lost, none is counted twice";
}

}  // namespace
}  // namespace shim::registry
