#include "registry/resolver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <string>
#include <utility>
#include <vector>

#include "registry/testing.h"

namespace shim::registry {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using registry::testing::asked;
using registry::testing::entry_at;
using registry::testing::reference;
using test::FakeRegistry;
using test::Fault;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;
using Kind = Outcome::Kind;

constexpr const char* kHead = "HEAD /v2/library/nginx/manifests/1.25";
constexpr const char* kCheck = "GET /v2/";

class Resolving : public registry::testing::ResolverTest {
 protected:
  // Two registries, `first_` preferred.
  void make_both() { make_resolver({entry_at(second_.url(), 100), entry_at(first_.url(), 900)}); }
  void make_first() { make_resolver({entry_at(first_.url(), 900)}); }
  static std::string name_at(const FakeRegistry& registry) { return registry.host() + "/library/nginx:1.25"; }
  static void hang(FakeRegistry& registry) { registry.set_fault("*", {.kind = Fault::Kind::hang}); }
  static void answer(FakeRegistry& registry, int status, std::string retry_after = "") {
    registry.set_fault("*", {.kind = Fault::Kind::status, .status = status, .retry_after = std::move(retry_after)});
  }
  static test::FakeRegistryOptions listening_at(std::string address) {
    test::FakeRegistryOptions options;
    options.listen = std::move(address);
    return options;
  }
  // One next(), cancelled once `first_` was asked.
  void cancel_when_asked(Resolution& resolution) {
    asio::cancellation_signal cancel;
    bool has_ended = false;
    asio::co_spawn(context_, resolution.next(),
                   asio::bind_cancellation_slot(
                       cancel.slot(), [&](const std::exception_ptr& thrown, const std::optional<Candidate>& candidate) {
                         EXPECT_FALSE(thrown);
                         EXPECT_FALSE(candidate);
                         has_ended = true;
                       }));
    run_until([&] { return !first_.requests().empty(); });
    cancel.emit(asio::cancellation_type::terminal);
    run_until([&] { return has_ended; });
  }

  FakeRegistry first_;
  FakeRegistry second_;
};

// ── Which one ────────────────────────────────────────────────────────────────────────────────────────────────────────

TEST_F(Resolving, TakesTheFirstHolderAndAsksNoFurther) {
  first_.put_manifest("library/nginx", "1.25");
  second_.put_manifest("library/nginx", "1.25");
  make_both();
  auto resolution = resolve();
  EXPECT_THAT(resolution->outcomes(), IsEmpty());
  EXPECT_EQ(next(*resolution), name_at(first_));
  EXPECT_THAT(kinds(*resolution), ElementsAre(Kind::holds));
  EXPECT_THAT(second_.requests(), IsEmpty());
}

TEST_F(Resolving, GoesOnToTheNextHolderAndThenToTheOriginal) {
  first_.put_manifest("library/nginx", "1.25");
  second_.put_manifest("library/nginx", "1.25");
  make_both();
  auto resolution = resolve();
  EXPECT_EQ(next(*resolution), name_at(first_));
  resolution->pull_failed("disk on fire");
  EXPECT_EQ(next(*resolution), name_at(second_));
  EXPECT_EQ(next(*resolution), "nginx:1.25");
  EXPECT_EQ(next(*resolution), "");
  EXPECT_THAT(kinds(*resolution), ElementsAre(Kind::pull_failed, Kind::holds, Kind::not_asked));
  EXPECT_EQ(resolution->outcomes()[0].reason, "disk on fire");
  EXPECT_EQ(resolution->outcomes()[2].source, "docker.io");
}

TEST_F(Resolving, NeverPullsFromAnEntryThatSaidNo) {
  second_.put_manifest("library/nginx", "1.25");
  make_both();
  auto resolution = resolve();
  EXPECT_THAT(walk(*resolution), ElementsAre(name_at(second_), "nginx:1.25"));
  EXPECT_THAT(kinds(*resolution), ElementsAre(Kind::absent, Kind::holds, Kind::not_asked));
}

TEST_F(Resolving, TriesEntriesWithoutAnAnswerAfterTheHolders) {
  answer(first_, 500);
  second_.put_manifest("library/nginx", "1.25");
  make_both();
  EXPECT_THAT(walk("nginx:1.25"), ElementsAre(name_at(second_), name_at(first_), "nginx:1.25"));
  EXPECT_EQ(first_.requests().size(), 1U) << "asked once";
}

TEST_F(Resolving, DoesNotPullAnImageOfAnotherPlatform) {
  first_.put_manifest("library/nginx", "1.25", test::image_index({"plan9/pdp11"}));
  options_.fallback = Fallback::deny;
  make_first();
  auto resolution = resolve();
  EXPECT_THAT(walk(*resolution), IsEmpty());
  EXPECT_THAT(kinds(*resolution), ElementsAre(Kind::other_platform));
}

TEST_F(Resolving, HasNothingWhereAllSaidNoAndTheOriginalIsDenied) {
  options_.fallback = Fallback::deny;
  make_both();
  auto resolution = resolve();
  EXPECT_EQ(next(*resolution), "");
  EXPECT_THAT(kinds(*resolution), ElementsAre(Kind::absent, Kind::absent));
}

TEST_F(Resolving, AsksTheOwnHostWithTheEntrysCredentials) {
  make_first();
  EXPECT_EQ(first_of(first_.host() + "/library/nginx:1.25"), "");
  EXPECT_EQ(first_.requests().size(), 1U);
}

TEST_F(Resolving, LeavesTheOwnHostToTheCallersCredentials) {
  const std::string image = first_.host() + "/library/nginx:1.25";
  second_.put_manifest("library/nginx", "1.25");
  make_resolver({entry_at(first_.url(), 1), entry_at(second_.url(), 900)});
  auto resolution = resolve(image, {.caller_sent_credentials = true});
  EXPECT_EQ(next(*resolution), image);
  EXPECT_THAT(kinds(*resolution), ElementsAre(Kind::not_asked));
  EXPECT_THAT(first_.requests(), IsEmpty());
  EXPECT_EQ(next(*resolution), name_at(second_));
}

TEST_F(Resolving, NeverAsksTheOriginal) {
  make_resolver({entry_at(second_.url(), 1)});
  EXPECT_EQ(first_of(first_.host() + "/library/nginx:1.25"), first_.host() + "/library/nginx:1.25");
  EXPECT_THAT(first_.requests(), IsEmpty());
}

TEST_F(Resolving, ListsNamesWithoutAskingAnybody) {
  make_both();
  std::vector<std::string> names;
  for (const Candidate& candidate : resolver_->names(reference("nginx:1.25"))) names.push_back(candidate.name);
  EXPECT_THAT(names, ElementsAre(name_at(first_), name_at(second_), "nginx:1.25"));
  EXPECT_THAT(first_.requests(), IsEmpty());
  EXPECT_THAT(second_.requests(), IsEmpty());
}

TEST_F(Resolving, MayOutliveItsResolver) {
  first_.put_manifest("library/nginx", "1.25");
  make_first();
  auto resolution = resolve();
  resolver_.reset();
  EXPECT_EQ(next(*resolution), name_at(first_));
}

TEST_F(Resolving, AsksAnAddressWithoutASchemeAsItIsMeant) {
  first_.put_manifest("library/nginx", "1.25");
  make_resolver({entry_at(first_.host(), 1)});
  EXPECT_EQ(first_of("nginx:1.25"), name_at(first_)) << "loopback: plain http";
}

TEST_F(Resolving, AsksARegistryByItsIpv6Address) {
  std::optional<FakeRegistry> registry;
  try {
    registry.emplace(listening_at("::1:0"));
  } catch (const std::exception&) {
    GTEST_SKIP() << "no IPv6 here";
  }
  registry->put_manifest("library/nginx", "1.25");
  const std::string host = "[::1]:" + std::to_string(registry->port());
  make_resolver({entry_at("http://" + host, 1)});
  EXPECT_EQ(first_of("nginx:1.25"), host + "/library/nginx:1.25");
}

TEST_F(Resolving, KeepsTwoEntriesOnOneHostApart) {
  first_.put_manifest("b/library/nginx", "1.25");
  make_resolver({entry_at(first_.url() + "/a", 900), entry_at(first_.url() + "/b", 100)});
  EXPECT_THAT(walk("nginx:1.25"), ElementsAre(first_.host() + "/b/library/nginx:1.25", "nginx:1.25"));
  EXPECT_THAT(walk("nginx:1.25"), ElementsAre(first_.host() + "/b/library/nginx:1.25", "nginx:1.25"));
  EXPECT_THAT(asked(first_),
              ElementsAre("HEAD /v2/a/library/nginx/manifests/1.25", "HEAD /v2/b/library/nginx/manifests/1.25"))
      << "each answer is its own entry's";
}

// ── Dependency confusion ─────────────────────────────────────────────────────────────────────────────────────────────

// Stands between this node and docker.io: sees who is asked for, and lets nobody through. The environment names it
// before a client reads that.
class ProxyInEnvironment {
 protected:
  ProxyInEnvironment() {
    for (const char* name : {"HTTPS_PROXY", "https_proxy"}) setenv(name, proxy_.url().c_str(), 1);
  }
  ~ProxyInEnvironment() {
    for (const char* name : {"HTTPS_PROXY", "https_proxy"}) unsetenv(name);
  }

  FakeRegistry proxy_;
};

class Hub : private ProxyInEnvironment, public Resolving {
 protected:
  Hub() {
    options_.breaker.failure_threshold = 100;
    make_resolver({entry_at("docker.io", 900)});
  }
  using ProxyInEnvironment::proxy_;
};

TEST_F(Hub, IsAskedAboutItsOwnImages) {
  first_of("nginx:1.25");
  ASSERT_FALSE(proxy_.requests().empty());
  EXPECT_THAT(asked(proxy_)[0], "CONNECT registry-1.docker.io:443");
}

TEST_F(Hub, NeverLearnsOfImagesOfOtherHosts) {
  for (const std::string image : {"ghcr.io/org/app", "sealos.hub:5000/org/app", "registry.k8s.io/pause:3.9"}) {
    EXPECT_THAT(walk(image), ElementsAre(image));
  }
  EXPECT_THAT(proxy_.requests(), IsEmpty());
}

// ── What is known ────────────────────────────────────────────────────────────────────────────────────────────────────

TEST_F(Resolving, AsksOnceForAYesAndForANo) {
  second_.put_manifest("library/nginx", "1.25");
  make_both();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(first_of("nginx:1.25"), name_at(second_));
  EXPECT_EQ(first_of("docker.io/library/nginx:1.25"), name_at(second_)) << "the same reference, spelled out";
  EXPECT_THAT(asked(first_), ElementsAre(kHead));
  EXPECT_THAT(asked(second_), ElementsAre(kHead));
  const auto cache = resolver_->statistics().cache;
  EXPECT_EQ(cache.hits, 6U);
  EXPECT_EQ(cache.references, 1U);
}

TEST_F(Resolving, AsksAgainWhereANoIsNotKept) {
  options_.cache.absent_ttl = 0s;
  make_first();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(first_of("nginx:1.25"), "nginx:1.25");
  EXPECT_EQ(first_.requests().size(), 3U);
}

TEST_F(Resolving, NeverKeepsAnErrorAsANo) {
  options_.breaker.failure_threshold = 100;
  make_first();
  for (const int status : {401, 403, 429, 500, 503}) {
    answer(first_, status);
    EXPECT_THAT(walk("nginx:1.25"), ElementsAre(name_at(first_), "nginx:1.25")) << status;
  }
  first_.clear_faults();
  first_.put_manifest("library/nginx", "1.25");
  EXPECT_EQ(first_of("nginx:1.25"), name_at(first_));
  EXPECT_EQ(first_.requests().size(), 6U);
}

TEST_F(Resolving, AsksAgainAfterAPullThatFailed) {
  first_.put_manifest("library/nginx", "1.25");
  make_first();
  auto resolution = resolve();
  next(*resolution);
  resolution->pull_failed("manifest unknown");
  EXPECT_EQ(first_of("nginx:1.25"), name_at(first_));
  EXPECT_THAT(asked(first_), ::testing::Contains(kHead).Times(2));
}

// ── One flight ───────────────────────────────────────────────────────────────────────────────────────────────────────

TEST_F(Resolving, AsksOnceForAllWhoWait) {
  first_.put_manifest("library/nginx", "1.25");
  first_.set_fault("*", {.kind = Fault::Kind::delay, .delay = 50ms});
  make_first();
  std::vector<std::unique_ptr<Resolution>> resolutions;
  int answered = 0;
  for (int i = 0; i < 50; ++i) {
    resolutions.push_back(resolve());
    asio::co_spawn(context_, resolutions.back()->next(),
                   [&](const std::exception_ptr&, const std::optional<Candidate>& candidate) {
                     EXPECT_EQ(candidate.value().name, name_at(first_));
                     ++answered;
                   });
  }
  run_until([&] { return answered == 50; });
  EXPECT_THAT(asked(first_), ElementsAre(kHead));
}

TEST_F(Resolving, EndsWhenItsCoroutineIsCancelled) {
  hang(first_);
  make_both();
  auto resolution = resolve();
  cancel_when_asked(*resolution);
  EXPECT_THAT(resolution->outcomes(), IsEmpty());
  EXPECT_THAT(second_.requests(), IsEmpty());
}

TEST_F(Resolving, LeavesTheQuestionToTheOthersWhenOneIsCancelled) {
  first_.put_manifest("library/nginx", "1.25");
  first_.set_fault("*", {.kind = Fault::Kind::delay, .delay = 50ms});
  make_first();
  auto other = resolve();
  std::string name;
  asio::co_spawn(context_, other->next(), [&](const std::exception_ptr&, const std::optional<Candidate>& candidate) {
    name = candidate.value().name;
  });
  cancel_when_asked(*resolve());
  run_until([&] { return !name.empty(); });
  EXPECT_EQ(name, name_at(first_));
  EXPECT_THAT(asked(first_), ElementsAre(kHead));
}

TEST_F(Resolving, KeepsTheAnswerThatNobodyWaitsForAnyMore) {
  first_.put_manifest("library/nginx", "1.25");
  first_.set_fault("*", {.kind = Fault::Kind::delay, .delay = 20ms});
  make_first();
  cancel_when_asked(*resolve());
  run_until([&] { return counted(0).probes[static_cast<std::size_t>(Kind::holds)] == 1; });
  EXPECT_EQ(first_of("nginx:1.25"), name_at(first_));
  EXPECT_THAT(asked(first_), ElementsAre(kHead));
}

TEST_F(Resolving, LeavesNothingBehindWhenItEndsWithQuestionsInFlight) {
  hang(first_);
  make_first();
  cancel_when_asked(*resolve());
  resolver_.reset();  // what is in flight goes with the io_context; the address sanitizer looks on
}

// ── Time ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

TEST_F(Resolving, AsksTheNextWhileOneIsSilent) {
  options_.hedge_delay = 10ms;
  options_.probe_timeout = 300ms;
  hang(first_);
  second_.put_manifest("library/nginx", "1.25");
  make_both();
  auto resolution = resolve();
  EXPECT_EQ(next(*resolution), name_at(second_));
  EXPECT_THAT(kinds(*resolution), ElementsAre(Kind::unreachable, Kind::holds));
  EXPECT_THAT(resolution->outcomes()[0].reason, HasSubstr("no answer within"));
}

TEST_F(Resolving, HasANewBudgetAfterAPullThatFailed) {
  options_.probe_timeout = 100ms;
  options_.fallback = Fallback::deny;
  first_.put_manifest("library/nginx", "1.25");
  second_.put_manifest("library/nginx", "1.25");
  second_.set_fault("*", {.kind = Fault::Kind::delay, .delay = 20ms});
  make_both();
  auto resolution = resolve();
  EXPECT_EQ(next(*resolution), name_at(first_));
  run_for(120ms);  // a pull that takes longer than a budget
  resolution->pull_failed("no");
  EXPECT_EQ(next(*resolution), name_at(second_)) << "asked now, and waited for";
  EXPECT_THAT(kinds(*resolution), ElementsAre(Kind::pull_failed, Kind::holds));
}

TEST_F(Resolving, EndsAtTheCallersDeadline) {
  hang(first_);
  make_first();
  auto resolution = resolve("nginx:1.25", {.deadline = std::chrono::steady_clock::now() + 50ms});
  EXPECT_EQ(next(*resolution), "");
  ASSERT_THAT(kinds(*resolution), ElementsAre(Kind::unreachable));
  EXPECT_THAT(resolution->outcomes()[0].reason, MatchesRegex("no answer within [0-9]+ms"));
  EXPECT_FALSE(is_left_out(0)) << "it has not had its time";
}

// ── Registries that are down ─────────────────────────────────────────────────────────────────────────────────────────

TEST_F(Resolving, LeavesARegistryOutAfterFailuresInARow) {
  answer(first_, 500);
  second_.put_manifest("library/nginx", "1.25");
  make_both();
  first_of("nginx:1.25");
  EXPECT_FALSE(is_left_out(0));
  first_of("nginx:1.25");
  const std::size_t asked_before = first_.requests().size();

  auto resolution = resolve();
  EXPECT_THAT(walk(*resolution), ElementsAre(name_at(second_), name_at(first_), "nginx:1.25"))
      << "it answers, if only with errors";
  EXPECT_EQ(first_.requests().size(), asked_before);
  EXPECT_EQ(resolution->outcomes()[0].source, first_.url());
  EXPECT_EQ(resolution->outcomes()[0].name, name_at(first_));
  EXPECT_THAT(resolution->outcomes()[0].reason, MatchesRegex("left out for [0-9]+m?s: 500.*; next check in [0-9]+m?s"));
}

TEST_F(Resolving, LeavesASilentRegistryOutAtOnce) {
  options_.probe_timeout = 50ms;
  hang(first_);
  make_first();
  EXPECT_EQ(first_of("nginx:1.25"), name_at(first_)) << "it may have it";
  run_until([&] { return is_left_out(0); });
  EXPECT_EQ(first_of("alpine"), first_.host() + "/library/alpine:latest") << "it may be slow, and the runtime patient";
  EXPECT_THAT(asked(first_), ElementsAre(kHead));
}

TEST_F(Resolving, TriesARegistryThatCannotBeReachedAfterTheOriginal) {
  std::string gone;
  {
    const FakeRegistry registry;
    gone = registry.host();
  }
  make_resolver({entry_at("http://" + gone, 900)});
  for (int pull = 1; pull <= 3; ++pull) {
    EXPECT_THAT(walk("nginx:1.25"), ElementsAre("nginx:1.25", gone + "/library/nginx:1.25"))
        << "pull " << pull << ": it does not delay the original, left out or not";
  }
  EXPECT_TRUE(is_left_out(0));
}

TEST_F(Resolving, LeavesARegistryOutForAsLongAsItAsksFor) {
  answer(first_, 429, "120");
  make_first();
  first_of("nginx:1.25");
  EXPECT_TRUE(is_left_out(0));
  EXPECT_THAT(walk("nginx:1.25"), ElementsAre("nginx:1.25", name_at(first_)));
  EXPECT_THAT(asked(first_), ElementsAre(kHead));
  const auto next_check = counted(0).breaker.next_check.value();
  EXPECT_GT(next_check, std::chrono::steady_clock::now() + 100s);
}

TEST_F(Resolving, PrefersAnOpenBreakerToAKnownYes) {
  first_.put_manifest("library/nginx", "1.25");
  make_first();
  EXPECT_EQ(first_of("nginx:1.25"), name_at(first_));
  answer(first_, 429, "120");
  first_of("alpine");
  EXPECT_THAT(walk("nginx:1.25"), ElementsAre("nginx:1.25", name_at(first_)));
}

TEST_F(Resolving, NeverPullsFromALeftOutEntryThatIsKnownToSayNo) {
  make_first();
  EXPECT_EQ(first_of("nginx:1.25"), "nginx:1.25");
  answer(first_, 429, "120");
  first_of("alpine");
  EXPECT_THAT(walk("nginx:1.25"), ElementsAre("nginx:1.25"));
}

TEST_F(Resolving, TriesItsOwnHostLastWhereThatIsLeftOut) {
  const std::string image = first_.host() + "/library/nginx:1.25";
  second_.put_manifest("library/nginx", "1.25");
  make_resolver({entry_at(first_.url(), 1), entry_at(second_.url(), 900)});
  answer(first_, 429, "120");
  first_of(first_.host() + "/alpine");
  EXPECT_THAT(walk(image), ElementsAre(name_at(second_), image));
  auto with_credentials = resolve(image, {.caller_sent_credentials = true});
  EXPECT_THAT(walk(*with_credentials), ElementsAre(name_at(second_), image));
}

TEST_F(Resolving, SharesOneBreakerBetweenEntriesOnOneHost) {
  make_resolver({entry_at(first_.url() + "/a", 900), entry_at(first_.url() + "/b", 100)});
  answer(first_, 500);
  walk("nginx:1.25");
  EXPECT_TRUE(is_left_out(0));
  EXPECT_TRUE(is_left_out(1));
  EXPECT_EQ(first_.requests().size(), 2U) << "one failure each";
}

TEST_F(Resolving, FindsARegistryWellAgainWithoutARequestOfAUsers) {
  options_.breaker.recovery_interval = 50ms;
  std::optional<FakeRegistry> registry(std::in_place);
  const std::string listen = registry->host();
  make_resolver({entry_at("http://" + listen, 900)});
  registry.reset();
  first_of("nginx:1.25");
  first_of("nginx:1.25");
  ASSERT_TRUE(is_left_out(0));

  registry.emplace(listening_at(listen));
  registry->put_manifest("library/nginx", "1.25");
  run_until([&] { return !is_left_out(0); });
  EXPECT_THAT(asked(*registry), ElementsAre(kCheck));
  EXPECT_EQ(first_of("nginx:1.25"), listen + "/library/nginx:1.25");
}

TEST_F(Resolving, ChecksARegistryAtOnceWhenAPullFromItFailed) {
  first_.put_manifest("library/nginx", "1.25");
  make_first();
  auto resolution = resolve();
  next(*resolution);
  resolution->pull_failed("connection reset");
  run_until([&] { return first_.requests().size() == 2; });
  EXPECT_THAT(asked(first_), ElementsAre(kHead, kCheck));
}

TEST_F(Resolving, CountsWhatThatCheckShows) {
  options_.breaker.failure_threshold = 1;
  std::optional<FakeRegistry> registry(std::in_place);
  registry->put_manifest("library/nginx", "1.25");
  make_resolver({entry_at(registry->url(), 900)});
  auto resolution = resolve();
  next(*resolution);
  registry.reset();
  resolution->pull_failed("connection reset");
  run_until([&] { return is_left_out(0); });
}

TEST_F(Resolving, ChecksNothingWhenItsResolverIsGone) {
  options_.breaker.recovery_interval = 10ms;
  options_.breaker.failure_threshold = 1;
  answer(first_, 500);
  make_first();
  auto resolution = resolve();
  next(*resolution);
  resolver_.reset();
  resolution->pull_failed("no");
  run_for(100ms);
  EXPECT_THAT(asked(first_), ElementsAre(kHead));
}

TEST_F(Resolving, HandsItsBreakersToTheResolverThatTakesItsPlace) {
  answer(first_, 429, "120");
  make_first();
  first_of("nginx:1.25");
  std::vector<Entry> entries{entry_at(second_.url(), 900), entry_at(first_.url(), 100)};
  const Resolver after(std::move(entries), options_, http_, context_.get_executor(), resolver_.get());
  resolver_.reset();
  const auto registries = after.statistics().registries;
  EXPECT_FALSE(registries.at(0).breaker.is_open);
  EXPECT_TRUE(registries.at(1).breaker.is_open);
}

// ── What is counted ──────────────────────────────────────────────────────────────────────────────────────────────────

TEST_F(Resolving, CountsAnswersPullsAndFailovers) {
  first_.put_manifest("library/nginx", "1.25");
  second_.put_manifest("library/nginx", "1.25");
  make_resolver({entry_at(first_.url(), 900), entry_at(second_.url(), 100)});
  auto resolution = resolve();
  next(*resolution);
  resolution->pull_failed("no");
  next(*resolution);
  resolution->pull_succeeded();
  const Statistics statistics = resolver_->statistics();
  const RegistryStatistics& first = statistics.registries.at(0);
  EXPECT_EQ(first.registry, first_.url());
  EXPECT_EQ(first.probes.at(static_cast<std::size_t>(Kind::holds)), 1U);
  EXPECT_TRUE(first.last_latency);
  EXPECT_EQ(first.probe_durations.total(), 1U);
  EXPECT_EQ(first.pulls_failed, 1U);
  EXPECT_EQ(first.failovers, 1U);
  EXPECT_EQ(first.pull_durations.total(), 0U) << "of pulls that succeed";
  EXPECT_EQ(statistics.registries.at(1).pulls_succeeded, 1U);
  EXPECT_EQ(statistics.registries.at(1).pull_durations.total(), 1U);
  EXPECT_EQ(statistics.failovers, 1U);
  EXPECT_EQ(summary_line(statistics), "cache: size=1 hits=0 misses=3 evictions=0 pulls=1 failovers=1 open=0");
}

}  // namespace
}  // namespace shim::registry
