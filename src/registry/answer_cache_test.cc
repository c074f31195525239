#include "registry/answer_cache.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace shim::registry {
namespace {

using namespace std::chrono_literals;
using Kind = Outcome::Kind;
using TimePoint = AnswerCache::TimePoint;

Outcome outcome(Kind kind, std::string reason = "") {
  return {.source = "registry.example.com", .name = "name", .kind = kind, .reason = std::move(reason)};
}

class AnAnswerCache : public testing::Test {
 protected:
  void store(std::string_view reference, std::size_t entry, Kind kind, std::string reason = "") {
    cache_.store(reference, entry, outcome(kind, std::move(reason)), now_);
  }
  std::optional<Kind> find(std::string_view reference, std::size_t entry = 0) {
    const auto answer = cache_.find(reference, entry, now_);
    return answer ? std::optional(answer->kind) : std::nullopt;
  }

  TimePoint now_{100h};
  AnswerCache cache_{{.capacity = 3, .holds_ttl = 30min, .absent_ttl = 10s}};
};

TEST_F(AnAnswerCache, KnowsNothingAtFirst) {
  EXPECT_EQ(find("nginx"), std::nullopt);
  EXPECT_EQ(cache_.statistics().misses, 1U);
  EXPECT_EQ(cache_.statistics().references, 0U);
}

TEST_F(AnAnswerCache, TellsWhatEachEntryAnsweredAndSinceWhen) {
  const TimePoint stored = now_;
  store("nginx", 0, Kind::holds);
  store("nginx", 7, Kind::absent, "404 Not Found");
  now_ += 3s;
  EXPECT_EQ(find("nginx", 0), Kind::holds);
  EXPECT_EQ(find("nginx", 1), std::nullopt);
  const auto answer = cache_.find("nginx", 7, now_);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->kind, Kind::absent);
  EXPECT_EQ(answer->reason, "404 Not Found");
  EXPECT_EQ(answer->known_since, stored);
  EXPECT_EQ(cache_.statistics().hits, 2U);
  EXPECT_EQ(cache_.statistics().misses, 1U);
  EXPECT_EQ(cache_.statistics().references, 1U);
}

TEST_F(AnAnswerCache, KeepsAYesForItsTime) {
  store("nginx", 0, Kind::holds);
  now_ += 30min - 1ns;
  EXPECT_EQ(find("nginx"), Kind::holds);
  now_ += 1ns;
  EXPECT_EQ(find("nginx"), std::nullopt);
}

TEST_F(AnAnswerCache, KeepsANoForItsShorterTime) {
  store("nginx", 0, Kind::absent);
  store("nginx", 1, Kind::other_platform);
  now_ += 10s - 1ns;
  EXPECT_EQ(find("nginx", 0), Kind::absent);
  EXPECT_EQ(find("nginx", 1), Kind::other_platform);
  now_ += 1ns;
  EXPECT_EQ(find("nginx", 0), std::nullopt);
  EXPECT_EQ(find("nginx", 1), std::nullopt);
}

TEST_F(AnAnswerCache, DoesNotLetAnAnswerLiveLongerThroughBeingFound) {
  store("nginx", 0, Kind::absent);
  now_ += 9s;
  EXPECT_EQ(find("nginx"), Kind::absent);
  now_ += 1s;
  EXPECT_EQ(find("nginx"), std::nullopt);
}

TEST_F(AnAnswerCache, NeverKeepsAnError) {
  for (const Kind kind : {Kind::refused, Kind::unreachable, Kind::failed, Kind::not_asked, Kind::pull_failed}) {
    store("nginx", 0, kind);
    EXPECT_EQ(find("nginx"), std::nullopt) << kind_name(kind);
  }
  EXPECT_EQ(cache_.statistics().references, 0U);
}

TEST_F(AnAnswerCache, KeepsAnAnswerThatIsStillGoodWhereAnErrorFollows) {
  store("nginx", 0, Kind::holds);
  store("nginx", 0, Kind::unreachable);
  EXPECT_EQ(find("nginx"), Kind::holds);
}

TEST_F(AnAnswerCache, KeepsTheLastAnswer) {
  store("nginx", 0, Kind::holds);
  now_ += 1min;
  store("nginx", 0, Kind::absent);
  EXPECT_EQ(find("nginx"), Kind::absent);
  store("nginx", 0, Kind::holds);
  now_ += 29min + 30s;
  EXPECT_EQ(find("nginx"), Kind::holds) << "its time begins anew";
}

TEST_F(AnAnswerCache, ForgetsAYesThatTurnedOutWrong) {
  store("nginx", 0, Kind::holds);
  store("nginx", 1, Kind::holds);
  cache_.forget("nginx", 0);
  cache_.forget("nginx", 9);
  cache_.forget("redis", 0);
  EXPECT_EQ(find("nginx", 0), std::nullopt);
  EXPECT_EQ(find("nginx", 1), Kind::holds);
}

TEST_F(AnAnswerCache, LetsAReferenceWithoutAnswersLeave) {
  store("forgotten", 0, Kind::holds);
  cache_.forget("forgotten", 0);
  EXPECT_EQ(cache_.statistics().references, 0U);
  store("expired", 0, Kind::absent);
  now_ += 10s;
  EXPECT_EQ(find("expired"), std::nullopt);
  EXPECT_EQ(cache_.statistics().references, 0U);
  EXPECT_EQ(cache_.statistics().evictions, 0U);
}

TEST_F(AnAnswerCache, MakesRoomByTheReferenceUsedLongestAgo) {
  for (const char* reference : {"a", "b", "c"}) store(reference, 0, Kind::holds);
  EXPECT_EQ(find("a"), Kind::holds);
  store("b", 1, Kind::holds);
  store("d", 0, Kind::holds);
  EXPECT_EQ(find("c"), std::nullopt) << "neither found nor stored since";
  store("e", 0, Kind::holds);
  EXPECT_EQ(find("a"), std::nullopt);
  EXPECT_EQ(find("b"), Kind::holds);
  EXPECT_EQ(find("d"), Kind::holds);
  EXPECT_EQ(find("e"), Kind::holds);
  EXPECT_EQ(cache_.statistics().evictions, 2U);
  EXPECT_EQ(cache_.statistics().references, 3U);
}

TEST_F(AnAnswerCache, CountsLookingForAnotherEntrysAnswerAsUse) {
  for (const char* reference : {"a", "b", "c"}) store(reference, 0, Kind::holds);
  EXPECT_EQ(find("a", 1), std::nullopt);
  store("d", 0, Kind::holds);
  EXPECT_EQ(find("a", 0), Kind::holds);
  EXPECT_EQ(find("b", 0), std::nullopt);
}

TEST(AnAnswerCacheOfNothing, KeepsNothing) {
  AnswerCache cache({.capacity = 0});
  cache.store("nginx", 0, outcome(Kind::holds), {});
  EXPECT_EQ(cache.find("nginx", 0, {}), std::nullopt);
  EXPECT_EQ(cache.statistics().references, 0U);
  EXPECT_EQ(cache.statistics().evictions, 0U);
}

TEST(AnAnswerCacheWithoutTimeForANo, KeepsNoNoButDropsTheYesThatItContradicts) {
  AnswerCache cache({.absent_ttl = 0s});
  cache.store("nginx", 0, outcome(Kind::holds), {});
  cache.store("nginx", 0, outcome(Kind::absent), {});
  EXPECT_EQ(cache.find("nginx", 0, {}), std::nullopt);
  EXPECT_EQ(cache.statistics().references, 0U);
}

// All references in a vector, the one used last at the end.
class NaiveCache {
 public:
  explicit NaiveCache(AnswerCache::Options options) : options_(options) {}

  std::optional<AnswerCache::Answer> find(const std::string& reference, std::size_t entry, TimePoint now) {
    std::optional<AnswerCache::Answer> found;
    if (is_kept(reference)) {
      auto& answers = move_to_the_end(reference);
      const auto at = answers.find(entry);
      const bool is_yes = at != answers.end() && at->second.kind == Kind::holds;
      if (at != answers.end() && at->second.known_since + (is_yes ? options_.holds_ttl : options_.absent_ttl) > now) {
        found = at->second;
      } else {
        answers.erase(entry);
      }
      drop_where_empty();
    }
    ++(found ? statistics_.hits : statistics_.misses);
    return found;
  }
  void store(const std::string& reference, std::size_t entry, const Outcome& outcome, TimePoint now) {
    const bool is_yes = outcome.kind == Kind::holds;
    const bool is_no = outcome.kind == Kind::absent || outcome.kind == Kind::other_platform;
    if ((!is_yes && !is_no) || options_.capacity == 0) return;
    if ((is_yes ? options_.holds_ttl : options_.absent_ttl) == 0s) return forget(reference, entry);
    if (!is_kept(reference)) {
      if (references_.size() == options_.capacity) {
        references_.erase(references_.begin());
        ++statistics_.evictions;
      }
      references_.push_back({reference, {}});
    }
    move_to_the_end(reference)[entry] = {.kind = outcome.kind, .reason = outcome.reason, .known_since = now};
  }
  void forget(const std::string& reference, std::size_t entry) {
    for (auto& [name, answers] : references_) {
      if (name == reference) answers.erase(entry);
    }
    drop_where_empty();
  }
  AnswerCache::Statistics statistics() const {
    auto statistics = statistics_;
    statistics.references = references_.size();
    return statistics;
  }

 private:
  using Answers = std::map<std::size_t, AnswerCache::Answer>;

  bool is_kept(const std::string& reference) const {
    return std::ranges::any_of(references_, [&](const auto& kept) { return kept.first == reference; });
  }
  Answers& move_to_the_end(const std::string& reference) {
    const auto at = std::ranges::find_if(references_, [&](const auto& kept) { return kept.first == reference; });
    std::rotate(at, at + 1, references_.end());
    return references_.back().second;
  }
  void drop_where_empty() {
    std::erase_if(references_, [](const auto& kept) { return kept.second.empty(); });
  }

  AnswerCache::Options options_;
  std::vector<std::pair<std::string, Answers>> references_;
  AnswerCache::Statistics statistics_;
};

class CacheOperations {
 public:
  explicit CacheOperations(unsigned seed) : random_(seed) {
    options_.capacity = static_cast<std::size_t>(between(0, 8));
    options_.holds_ttl = std::chrono::seconds(between(0, 9) == 0 ? 0 : between(10, 60));
    options_.absent_ttl = std::chrono::seconds(between(0, 9));
  }

  void run(int operations) {
    AnswerCache cache(options_);
    NaiveCache naive(options_);
    for (int count = 0; count < operations && !testing::Test::HasFailure(); ++count) {
      if (between(0, 3) == 0) now_ += std::chrono::seconds(between(0, 5));
      const std::string reference = "registry.example.com/a/longer/name:" + std::to_string(between(1, 10));
      const auto entry = static_cast<std::size_t>(between(0, 3));
      const int operation = between(0, 9);
      if (operation == 0) {
        cache.forget(reference, entry);
        naive.forget(reference, entry);
      } else if (operation < 5) {
        const Outcome stored = outcome(any_kind(), "reason " + std::to_string(count));
        cache.store(reference, entry, stored, now_);
        naive.store(reference, entry, stored, now_);
      } else {
        compare(cache.find(reference, entry, now_), naive.find(reference, entry, now_));
      }
      compare(cache.statistics(), naive.statistics());
    }
  }

 private:
  int between(int low, int high) { return std::uniform_int_distribution(low, high)(random_); }
  Kind any_kind() {
    const int kind = between(0, static_cast<int>(kOutcomeKinds) + 5);  // more often a yes
    return kind < static_cast<int>(kOutcomeKinds) ? static_cast<Kind>(kind) : Kind::holds;
  }
  static void compare(const std::optional<AnswerCache::Answer>& actual,
                      const std::optional<AnswerCache::Answer>& expected) {
    ASSERT_EQ(actual.has_value(), expected.has_value());
    if (!actual) return;
    EXPECT_EQ(actual->kind, expected->kind);
    EXPECT_EQ(actual->reason, expected->reason);
    EXPECT_EQ(actual->known_since, expected->known_since);
  }
  void compare(const AnswerCache::Statistics& actual, const AnswerCache::Statistics& expected) const {
    EXPECT_EQ(actual.hits, expected.hits);
    EXPECT_EQ(actual.misses, expected.misses);
    EXPECT_EQ(actual.evictions, expected.evictions);
    EXPECT_EQ(actual.references, expected.references);
    EXPECT_LE(actual.references, options_.capacity);
  }

  std::mt19937 random_;
  TimePoint now_{1000h};
  AnswerCache::Options options_;
};

TEST(AnAnswerCachesModel, AgreesWithAVectorOrderedByUse) {
  for (unsigned seed = 1; seed <= 200 && !HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    CacheOperations(seed).run(400);
  }
}

// ── Hand-over ────────────────────────────────────────────────────────────────────────────────────────────────────────

using Numbers = std::vector<std::optional<std::size_t>>;

TEST_F(AnAnswerCache, TakesAnswersOverUnderNewNumbers) {
  store("nginx", 0, Kind::holds);
  store("nginx", 1, Kind::absent);
  store("redis", 1, Kind::holds);
  store("mysql", 2, Kind::holds);
  AnswerCache next({.capacity = 3});
  next.take_over(cache_, Numbers{1, std::nullopt, 0});
  EXPECT_TRUE(next.find("nginx", 1, now_));
  EXPECT_FALSE(next.find("nginx", 0, now_));
  EXPECT_TRUE(next.find("mysql", 0, now_));
  EXPECT_FALSE(next.find("redis", 1, now_));
  EXPECT_EQ(next.statistics().references, 2U);
  EXPECT_EQ(cache_.statistics().references, 0U);
}

TEST_F(AnAnswerCache, TakesTheAgeOfAnswersOver) {
  store("nginx", 0, Kind::holds);
  AnswerCache next({.capacity = 3, .holds_ttl = 1min});
  next.take_over(cache_, Numbers{0});
  EXPECT_TRUE(next.find("nginx", 0, now_ + 59s));
  EXPECT_FALSE(next.find("nginx", 0, now_ + 1min));
}

TEST_F(AnAnswerCache, TakesOverWhatWasUsedLastWhereItHasLessRoom) {
  store("a", 0, Kind::holds);
  store("b", 0, Kind::holds);
  EXPECT_TRUE(find("a"));
  AnswerCache next({.capacity = 1});
  next.take_over(cache_, Numbers{0});
  EXPECT_TRUE(next.find("a", 0, now_));
  EXPECT_EQ(next.statistics().evictions, 1U);
}

TEST_F(AnAnswerCache, TakesCountersOver) {
  EXPECT_FALSE(find("nginx"));
  AnswerCache next({.capacity = 3});
  next.take_over(cache_, Numbers{0});
  EXPECT_FALSE(find("nginx")) << "a call that began before";
  EXPECT_FALSE(next.find("nginx", 0, now_));
  EXPECT_EQ(next.statistics().misses, 3U);
}

}  // namespace
}  // namespace shim::registry
