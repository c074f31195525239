// Many callers at once: what Probes promises about questions in flight and about memory, seen through a Resolver.
#include "registry/probes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "registry/testing.h"

namespace shim::registry {
namespace {

using registry::testing::asked;
using registry::testing::entry_at;
using registry::testing::reference;
using test::FakeRegistry;

constexpr std::size_t kRegistries = 20;
constexpr std::size_t kReferences = 10'000;
constexpr std::size_t kCallers = 200;
constexpr std::size_t kResolutions = 2 * kReferences;  // each reference is wanted by two callers at about the same time

class ManyCallers : public registry::testing::ResolverTest {
 protected:
  static std::string repository(std::size_t n) {
    return "team-" + std::to_string(n % kRegistries) + "/app-" + std::to_string(n);
  }
  // Every image is matched by two registries, and the second one has it.
  void SetUp() override {
    std::vector<Entry> entries;
    for (std::size_t i = 0; i < kRegistries; ++i) {
      registries_.push_back(std::make_unique<FakeRegistry>());
      entries.push_back(entry_at(registries_[i]->url(), 500));
      entries.back().rule.match = {team(i), team((i + kRegistries - 1) % kRegistries)};
      entries.back().priority = 1000 - static_cast<int>(i);
    }
    for (std::size_t n = 0; n < kReferences; ++n) {
      const std::size_t first = n % kRegistries;
      registries_[std::max(first, (first + 1) % kRegistries)]->put_manifest(repository(n), "1");
    }
    make_resolver(std::move(entries));
  }
  static image::Pattern team(std::size_t n) {
    return image::Pattern::parse("docker.io/team-" + std::to_string(n)).value();
  }

  boost::asio::awaitable<void> call_one_after_another() {
    while (next_ < kResolutions) {
      const std::string name = repository(next_++ / 2) + ":1";
      const auto resolution = resolve(name);
      const auto candidate = co_await resolution->next();
      if (candidate && candidate->entry) ++found_;
    }
    ++callers_done_;
  }

  std::vector<std::unique_ptr<FakeRegistry>> registries_;
  std::size_t next_ = 0;
  std::size_t found_ = 0;
  std::size_t callers_done_ = 0;
};

TEST_F(ManyCallers, AskEachRegistryOnceAboutEachImage) {
  for (std::size_t i = 0; i < kCallers; ++i) {
    boost::asio::co_spawn(context_, call_one_after_another(), boost::asio::detached);
  }
  run_until([&] { return callers_done_ == kCallers; });

  EXPECT_EQ(found_, kResolutions);
  for (const auto& registry : registries_) {
    std::map<std::string, int> times;
    for (const std::string& request : asked(*registry)) EXPECT_EQ(++times[request], 1) << request;
    EXPECT_FALSE(times.empty());
  }
  const auto cache = resolver_->statistics().cache;
  EXPECT_LE(cache.references, AnswerCache::Options().capacity);
  EXPECT_GE(cache.evictions, kReferences - AnswerCache::Options().capacity);
}

}  // namespace
}  // namespace shim::registry
