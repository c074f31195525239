#include "cri/name_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <random>
#include <string>
#include <vector>

#include "cri/testing.h"

namespace shim::cri {
namespace {

using cri::testing::reference;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::IsEmpty;

const std::string kDigest = "@sha256:" + std::string(64, 'a');

std::vector<std::string> spellings(const NameStore& store, std::string_view pulled) {
  std::vector<std::string> list;
  for (const image::Reference* original : store.originals(pulled)) list.push_back(original->original());
  return list;
}

TEST(NameStore, FindsThePulledNameByAnySpelling) {
  NameStore store;
  store.remember(reference("nginx"), "hub.local/library/nginx:latest");
  EXPECT_EQ(store.pulled_name(reference("docker.io/library/nginx:latest")), "hub.local/library/nginx:latest");
  EXPECT_EQ(store.pulled_name(reference("nginx:1.25")), std::nullopt);
}

TEST(NameStore, ListsTheSpellingsNewestFirst) {
  NameStore store;
  store.remember(reference("nginx"), "hub.local/nginx:latest");
  store.remember(reference("docker.io/nginx"), "hub.local/nginx:latest");
  EXPECT_THAT(spellings(store, "hub.local/nginx:latest"), ElementsAre("docker.io/nginx", "nginx"));

  store.remember(reference("nginx"), "hub.local/nginx:latest");

  EXPECT_THAT(spellings(store, "hub.local/nginx:latest"), ElementsAre("nginx", "docker.io/nginx"));
}

TEST(NameStore, ListsTheReferencesOfSeveralHostsThatOneRegistryServes) {
  NameStore store;
  store.remember(reference("ghcr.io/org/app:1"), "hub.local/org/app:1");
  store.remember(reference("quay.io/org/app:1"), "hub.local/org/app:1");
  EXPECT_THAT(spellings(store, "hub.local/org/app:1"), ElementsAre("quay.io/org/app:1", "ghcr.io/org/app:1"));
}

TEST(NameStore, KnowsOnlyTheLastPulledNameOfAnImageForAllOfItsSpellings) {
  NameStore store;
  store.remember(reference("nginx"), "one.local/nginx:latest");
  store.remember(reference("docker.io/nginx"), "two.local/nginx:latest");
  EXPECT_EQ(store.pulled_name(reference("nginx")), "two.local/nginx:latest");
  EXPECT_THAT(store.originals("one.local/nginx:latest"), IsEmpty());
  EXPECT_THAT(spellings(store, "two.local/nginx:latest"), ElementsAre("docker.io/nginx", "nginx"));
}

TEST(NameStore, KnowsASpellingAndNotAnother) {
  NameStore store;
  store.remember(reference("nginx"), "hub.local/nginx:latest");
  EXPECT_TRUE(store.knows(reference("nginx")));
  EXPECT_FALSE(store.knows(reference("nginx:latest")));
}

TEST(NameStore, ForgetsEverySpelling) {
  NameStore store;
  store.remember(reference("nginx"), "hub.local/nginx");
  store.remember(reference("docker.io/nginx"), "hub.local/nginx");
  store.remember(reference("redis"), "hub.local/redis");

  store.forget(reference("docker.io/library/nginx:latest"));

  EXPECT_EQ(store.size(), 1U);
  EXPECT_THAT(store.originals("hub.local/nginx"), IsEmpty());
  EXPECT_TRUE(store.pulled_name(reference("redis")));
}

TEST(NameStore, DropsTheOldestWhereItIsFull) {
  NameStore store(2);
  store.remember(reference("a"), "hub.local/a");
  store.remember(reference("b"), "hub.local/b");
  store.remember(reference("a"), "hub.local/a");  // the newest now
  store.remember(reference("c"), "hub.local/c");
  EXPECT_EQ(store.size(), 2U);
  EXPECT_FALSE(store.pulled_name(reference("b")));
  EXPECT_TRUE(store.pulled_name(reference("a")));
}

TEST(NameStore, ForgetsTheImagesOfAListedName) {
  NameStore store;
  store.remember(reference("ghcr.io/app:1"), "hub.local/app:1");
  store.remember(reference("quay.io/app:1"), "hub.local/app:1");
  store.remember(reference("redis"), "hub.local/redis");

  store.forget_listed("hub.local/app:1");

  EXPECT_EQ(store.size(), 1U);
  EXPECT_TRUE(store.knows(reference("redis")));
}

TEST(NameStore, ForgetsOnlyWhatIsOlderThanTheMomentGiven) {
  NameStore store;
  store.remember(reference("nginx"), "hub.local/nginx:1");
  const auto asked_at = store.now();
  store.remember(reference("nginx"), "hub.local/nginx:1");

  store.forget(reference("nginx"), asked_at);
  store.forget_listed("hub.local/nginx:1", asked_at);

  EXPECT_EQ(store.size(), 1U) << "pulled again since";
}

TEST(NameStore, ForgetsWhatIsAbsentOnlyWhereItIsOlder) {
  NameStore store;
  store.remember(reference("old"), "hub.local/old:1");
  store.remember(reference("here"), "hub.local/here:1");
  const auto asked_at = store.now();
  store.remember(reference("new"), "hub.local/new:1");

  const std::vector<std::string_view> listed = {"hub.local/here:1"};
  store.forget_absent(listed, asked_at);

  EXPECT_FALSE(store.pulled_name(reference("old")));
  EXPECT_TRUE(store.pulled_name(reference("here")));
  EXPECT_TRUE(store.pulled_name(reference("new"))) << "pulled while the list was made";
}

TEST(NameStore, KnowsAnImageOfTagAndDigestAsRuntimesListIt) {
  NameStore store;
  store.remember(reference("nginx:1.25" + kDigest), "hub.local:5000/nginx:1.25" + kDigest);
  EXPECT_THAT(spellings(store, "hub.local:5000/nginx" + kDigest), ElementsAre("nginx:1.25" + kDigest));
}

TEST(NameStore, KnowsAnImageOfDockerHubAsDockerShortensItsName) {
  NameStore store;
  store.remember(reference("ghcr.io/library/nginx:1"), "docker.io/library/nginx:1");
  store.remember(reference("ghcr.io/org/app"), "docker.io/org/app");
  EXPECT_THAT(spellings(store, "nginx:1"), ElementsAre("ghcr.io/library/nginx:1"));
  EXPECT_THAT(spellings(store, "org/app:latest"), ElementsAre("ghcr.io/org/app"));
  EXPECT_THAT(spellings(store, "<none>:<none>"), IsEmpty());

  const std::vector<std::string_view> listed = {"nginx:1"};
  store.forget_absent(listed, store.now());

  EXPECT_EQ(store.size(), 1U);
}

// ── What an earlier process remembered ───────────────────────────────────────────────────────────────────────────────

RememberedName name(const std::string& original, const std::string& pulled) {
  return {reference(original), pulled, {}};
}

TEST(NameStore, RestoresInOrder) {
  NameStore store;
  store.restore({name("nginx", "hub.local/nginx:1"), name("docker.io/nginx", "hub.local/nginx:1")});
  EXPECT_THAT(spellings(store, "hub.local/nginx:1"), ElementsAre("docker.io/nginx", "nginx"));
  ASSERT_EQ(store.names().size(), 2U);
  EXPECT_EQ(store.names()[0].reference.original(), "nginx");
}

TEST(NameStore, WhatIsRestoredIsOlderThanAnyList) {
  NameStore store;
  const auto asked_at = store.now();
  store.restore({name("nginx", "hub.local/nginx:1")});
  store.forget_absent({}, asked_at);
  EXPECT_TRUE(store.empty());
}

TEST(NameStore, WhatIsRestoredIsOlderThanWhatIsKnown) {
  NameStore store(3);
  store.remember(reference("nginx"), "two.local/nginx:1");

  store.restore({name("a", "hub.local/a"), name("b", "hub.local/b"), name("docker.io/nginx", "one.local/nginx:1"),
                 name("c", "hub.local/c")});

  EXPECT_EQ(store.pulled_name(reference("nginx")), "two.local/nginx:1");
  EXPECT_THAT(spellings(store, "one.local/nginx:1"), IsEmpty());
  EXPECT_EQ(store.size(), 3U);
  EXPECT_FALSE(store.knows(reference("a"))) << "the oldest, and no place for it";
  EXPECT_EQ(store.names()[0].reference.original(), "b");
}

TEST(NameStore, TellsOfChangesAndOfNothingElse) {
  NameStore store;
  int changes = 0;
  store.on_change([&] { ++changes; });

  store.restore({name("redis", "hub.local/redis")});
  store.forget(reference("nginx"));
  store.forget_absent(std::vector<std::string_view>{"hub.local/redis:latest"}, store.now());
  EXPECT_EQ(changes, 0);
  EXPECT_EQ(store.revision(), 0U);

  store.remember(reference("nginx"), "hub.local/nginx:1");
  store.forget(reference("nginx"));
  EXPECT_EQ(changes, 2);
  EXPECT_EQ(store.revision(), 2U);
}

TEST(NameStore, KeepsTheTimeForPeople) {
  const std::chrono::system_clock::time_point time{std::chrono::hours(24)};
  NameStore store;
  store.remember(reference("nginx"), "hub.local/nginx:1", time);
  EXPECT_THAT(store.names(), ElementsAre(Field(&RememberedName::time, time)));
}

// The obvious implementation: a list, oldest first.
class NaiveStore {
 public:
  struct Entry {
    image::Reference reference;
    std::string pulled;
    NameStore::Moment remembered;
  };

  explicit NaiveStore(std::size_t capacity) : capacity_(capacity) {}

  void remember(const image::Reference& reference, const std::string& pulled) {
    std::deque<Entry> moved;
    std::erase_if(entries, [&](const Entry& entry) {
      if (entry.reference != reference) return false;
      const bool is_same = entry.reference.original() == reference.original();
      if (!is_same && entry.pulled != pulled) moved.push_back(entry);
      return is_same || entry.pulled != pulled;
    });
    for (const Entry& entry : moved) entries.push_back({entry.reference, pulled, ++newest});
    if (entries.size() == capacity_) entries.pop_front();
    entries.push_back({reference, pulled, ++newest});
  }
  void forget(const image::Reference& reference) {
    std::erase_if(entries, [&](const Entry& entry) { return entry.reference == reference; });
  }
  void forget_absent(NameStore::Moment before, const std::string& only) {
    std::erase_if(entries, [&](const Entry& entry) { return entry.remembered < before && entry.pulled != only; });
  }
  std::optional<std::string> pulled_name(const image::Reference& reference) const {
    for (const Entry& entry : entries) {
      if (entry.reference == reference) return entry.pulled;
    }
    return std::nullopt;
  }
  std::vector<std::string> spellings(const std::string& pulled) const {
    std::vector<std::string> list;
    for (auto entry = entries.rbegin(); entry != entries.rend(); ++entry) {
      if (entry->pulled == pulled) list.push_back(entry->reference.original());
    }
    return list;
  }

  std::deque<Entry> entries;
  NameStore::Moment newest = 0;

 private:
  std::size_t capacity_;
};

TEST(NameStore, DoesWhatANaiveOneDoes) {
  constexpr std::size_t kCapacity = 6;
  const std::vector<std::string> spelt = {"a", "docker.io/a", "library/a", "a:latest",
                                          "b", "docker.io/b", "b:2",       "c:1"};
  const std::vector<std::string> pulled = {"x.io/a:latest", "y.io/a:latest", "x.io/b:latest", "x.io/b:2", "x.io/c:1"};
  std::vector<image::Reference> references;
  for (const std::string& text : spelt) references.push_back(reference(text));

  std::mt19937 random(20240607);  // NOLINT(cert-msc51-cpp): the same run each time
  const auto pick = [&](const auto& list) -> const auto& { return list[random() % list.size()]; };
  NameStore store(kCapacity);
  NaiveStore naive(kCapacity);
  for (int step = 0; step < 20'000; ++step) {
    const unsigned choice = random() % 20;
    if (choice < 15) {
      const auto& original = pick(references);
      const auto& name = pick(pulled);
      store.remember(original, name);
      naive.remember(original, name);
    } else if (choice < 19) {
      const auto& original = pick(references);
      store.forget(original);
      naive.forget(original);
    } else {
      ASSERT_EQ(store.now(), naive.newest + 1);
      const auto before = store.now() - static_cast<NameStore::Moment>(random() % 10);
      const auto& only = pick(pulled);
      const std::vector<std::string_view> listed = {only};
      store.forget_absent(listed, before);
      naive.forget_absent(before, only);
    }
    ASSERT_EQ(store.size(), naive.entries.size()) << "step " << step;
    ASSERT_LE(store.size(), kCapacity);
    for (const auto& original : references) ASSERT_EQ(store.pulled_name(original), naive.pulled_name(original));
    for (const auto& name : pulled) ASSERT_EQ(spellings(store, name), naive.spellings(name)) << "step " << step;
  }
}

}  // namespace
}  // namespace shim::cri
