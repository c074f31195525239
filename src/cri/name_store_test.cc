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

using namespace std::chrono_literals;
using cri::testing::reference;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr NameStore::Clock::time_point kBegin{1h};

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
  store.remember(reference("nginx"), "hub.local/nginx", kBegin);
  store.remember(reference("docker.io/nginx"), "hub.local/nginx", kBegin + 1s);
  EXPECT_THAT(spellings(store, "hub.local/nginx"), ElementsAre("docker.io/nginx", "nginx"));

  store.remember(reference("nginx"), "hub.local/nginx", kBegin + 2s);

  EXPECT_THAT(spellings(store, "hub.local/nginx"), ElementsAre("nginx", "docker.io/nginx"));
}

TEST(NameStore, KnowsOnlyTheLastPulledNameOfAnImage) {
  NameStore store;
  store.remember(reference("nginx"), "one.local/nginx");
  store.remember(reference("docker.io/nginx"), "two.local/nginx");
  EXPECT_EQ(store.pulled_name(reference("nginx")), "two.local/nginx");
  EXPECT_THAT(store.originals("one.local/nginx"), IsEmpty());
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

TEST(NameStore, ForgetsWhatIsAbsentOnlyWhereItIsOlder) {
  NameStore store;
  store.remember(reference("old"), "hub.local/old", kBegin);
  store.remember(reference("here"), "hub.local/here", kBegin);
  store.remember(reference("new"), "hub.local/new", kBegin + 2s);

  store.forget_absent(kBegin + 1s, [](std::string_view pulled) { return pulled == "hub.local/here"; });

  EXPECT_FALSE(store.pulled_name(reference("old")));
  EXPECT_TRUE(store.pulled_name(reference("here")));
  EXPECT_TRUE(store.pulled_name(reference("new"))) << "pulled while the list was made";
}

TEST(NameStore, KnowsAnImageOfTagAndDigestAsRuntimesListIt) {
  const std::string digest = "@sha256:" + std::string(64, 'a');
  NameStore store;
  store.remember(reference("nginx:1.25" + digest), "hub.local:5000/nginx:1.25" + digest);
  EXPECT_THAT(spellings(store, "hub.local:5000/nginx" + digest), ElementsAre("nginx:1.25" + digest));
}

// The obvious implementation: a list, oldest first.
class NaiveStore {
 public:
  struct Entry {
    image::Reference reference;
    std::string pulled;
    NameStore::Clock::time_point remembered;
  };

  explicit NaiveStore(std::size_t capacity) : capacity_(capacity) {}

  void remember(const image::Reference& reference, const std::string& pulled, NameStore::Clock::time_point now) {
    std::erase_if(entries, [&](const Entry& entry) {
      return entry.reference == reference &&
             (entry.pulled != pulled || entry.reference.original() == reference.original());
    });
    if (entries.size() == capacity_) entries.pop_front();
    entries.push_back({reference, pulled, now});
  }
  void forget(const image::Reference& reference) {
    std::erase_if(entries, [&](const Entry& entry) { return entry.reference == reference; });
  }
  void forget_absent(NameStore::Clock::time_point before, const std::string& only) {
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
  auto now = kBegin;
  for (int step = 0; step < 20'000; ++step) {
    now += 1s;
    const unsigned choice = random() % 20;
    if (choice < 15) {
      const auto& original = pick(references);
      const auto& name = pick(pulled);
      store.remember(original, name, now);
      naive.remember(original, name, now);
    } else if (choice < 19) {
      const auto& original = pick(references);
      store.forget(original);
      naive.forget(original);
    } else {
      const auto before = now - std::chrono::seconds(random() % 10);
      const auto& only = pick(pulled);
      store.forget_absent(before, [&](std::string_view name) { return name == only; });
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
