#include "registry/resolver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "fake_registry/fake_registry.h"
#include "http/client.h"

namespace shim::registry {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::FakeRegistry;
using test::Fault;
using testing::ElementsAre;
using testing::IsEmpty;
using Kind = Outcome::Kind;

class Resolving : public testing::Test {
 protected:
  static Entry entry_for(const FakeRegistry& registry, int priority) {
    Entry entry{.address = image::Address::parse(registry.url()).value()};
    entry.priority = priority;
    entry.rule = default_rule(entry.address);
    return entry;
  }
  static image::Reference reference(const std::string& text) { return image::Reference::parse(text).value(); }

  std::unique_ptr<Resolution> resolve(std::vector<Entry> entries, const std::string& image = "nginx:1.25",
                                      ResolveRequest request = {}, Fallback fallback = Fallback::upstream) {
    const Resolver resolver(std::move(entries), {.probe_timeout = timeout_, .fallback = fallback}, http_);
    return resolver.resolve(reference(image), std::move(request));  // the resolution outlives its resolver
  }

  std::string next(Resolution& resolution) {
    std::optional<Candidate> candidate;
    asio::co_spawn(context_, resolution.next(), [&](std::exception_ptr, std::optional<Candidate> found) {
      candidate = std::move(found);
      context_.stop();
    });
    context_.restart();
    context_.run();
    return candidate ? candidate->name : "";
  }
  std::vector<std::string> walk(Resolution& resolution) {
    std::vector<std::string> names;
    for (std::string name = next(resolution); !name.empty(); name = next(resolution)) names.push_back(name);
    return names;
  }
  static std::vector<Kind> kinds(const Resolution& resolution) {
    std::vector<Kind> list;
    for (const Outcome& outcome : resolution.outcomes()) list.push_back(outcome.kind);
    return list;
  }
  static std::string name_at(const FakeRegistry& registry) { return registry.host() + "/library/nginx:1.25"; }

  std::chrono::milliseconds timeout_ = 10s;
  asio::io_context context_{1};
  http::Client http_{context_.get_executor()};
  FakeRegistry first_;
  FakeRegistry second_;
};

TEST_F(Resolving, TakesTheFirstHolderAndAsksNoFurther) {
  first_.put_manifest("library/nginx", "1.25");
  second_.put_manifest("library/nginx", "1.25");
  auto resolution = resolve({entry_for(second_, 100), entry_for(first_, 900)});
  EXPECT_THAT(resolution->outcomes(), IsEmpty());
  EXPECT_EQ(next(*resolution), name_at(first_));
  EXPECT_THAT(kinds(*resolution), ElementsAre(Kind::holds));
  EXPECT_THAT(second_.requests(), IsEmpty());
}

TEST_F(Resolving, GoesOnToTheNextHolderAndThenToTheOriginal) {
  first_.put_manifest("library/nginx", "1.25");
  second_.put_manifest("library/nginx", "1.25");
  auto resolution = resolve({entry_for(first_, 900), entry_for(second_, 100)});
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
  auto resolution = resolve({entry_for(first_, 900), entry_for(second_, 100)});
  EXPECT_THAT(walk(*resolution), ElementsAre(name_at(second_), "nginx:1.25"));
  EXPECT_THAT(kinds(*resolution), ElementsAre(Kind::absent, Kind::holds, Kind::not_asked));
}

TEST_F(Resolving, TriesEntriesWithoutAnAnswerAfterTheHolders) {
  first_.set_fault("*", {.kind = Fault::Kind::status, .status = 500});
  second_.put_manifest("library/nginx", "1.25");
  auto resolution = resolve({entry_for(first_, 900), entry_for(second_, 100)});
  EXPECT_THAT(walk(*resolution), ElementsAre(name_at(second_), name_at(first_), "nginx:1.25"));
  EXPECT_EQ(first_.requests().size(), 1U) << "asked once";
}

TEST_F(Resolving, DoesNotPullAnImageOfAnotherPlatform) {
  first_.put_manifest("library/nginx", "1.25", test::image_index({"plan9/pdp11"}));
  auto resolution = resolve({entry_for(first_, 900)}, "nginx:1.25", {}, Fallback::deny);
  EXPECT_THAT(walk(*resolution), IsEmpty());
  EXPECT_THAT(kinds(*resolution), ElementsAre(Kind::failed));
}

TEST_F(Resolving, HasNothingWhereAllSaidNoAndTheOriginalIsDenied) {
  auto resolution = resolve({entry_for(first_, 900), entry_for(second_, 100)}, "nginx:1.25", {}, Fallback::deny);
  EXPECT_EQ(next(*resolution), "");
  EXPECT_THAT(kinds(*resolution), ElementsAre(Kind::absent, Kind::absent));
}

TEST_F(Resolving, AsksTheOwnHostWithTheEntrysCredentials) {
  const std::string image = first_.host() + "/library/nginx:1.25";
  auto resolution = resolve({entry_for(first_, 1)}, image);
  EXPECT_EQ(next(*resolution), "");
  EXPECT_EQ(first_.requests().size(), 1U);
}

TEST_F(Resolving, LeavesTheOwnHostToTheCallersCredentials) {
  const std::string image = first_.host() + "/library/nginx:1.25";
  second_.put_manifest("library/nginx", "1.25");
  auto resolution = resolve({entry_for(first_, 1), entry_for(second_, 900)}, image, {.caller_sent_credentials = true});
  EXPECT_EQ(next(*resolution), image);
  EXPECT_THAT(kinds(*resolution), ElementsAre(Kind::not_asked));
  EXPECT_THAT(first_.requests(), IsEmpty());
  EXPECT_EQ(next(*resolution), name_at(second_));
}

TEST_F(Resolving, NeverAsksTheOriginal) {
  auto resolution = resolve({entry_for(second_, 1)}, first_.host() + "/library/nginx:1.25");
  EXPECT_EQ(next(*resolution), first_.host() + "/library/nginx:1.25");
  EXPECT_THAT(first_.requests(), IsEmpty());
}

TEST_F(Resolving, SpendsOneBudgetOnAllProbes) {
  timeout_ = 100ms;
  first_.set_fault("*", {.kind = Fault::Kind::hang});
  first_.put_manifest("library/nginx", "1.25");
  second_.put_manifest("library/nginx", "1.25");
  auto resolution = resolve({entry_for(first_, 900), entry_for(second_, 100)});
  EXPECT_EQ(next(*resolution), name_at(first_));
  EXPECT_THAT(kinds(*resolution), ElementsAre(Kind::unreachable));
  resolution->pull_failed("no answer");
  EXPECT_EQ(next(*resolution), name_at(second_)) << "asked now";
  EXPECT_THAT(kinds(*resolution), ElementsAre(Kind::pull_failed, Kind::holds));
}

TEST_F(Resolving, EndsWhenItsCoroutineIsCancelled) {
  first_.set_fault("*", {.kind = Fault::Kind::hang});
  first_.put_manifest("library/nginx", "1.25");
  auto resolution = resolve({entry_for(first_, 900), entry_for(second_, 100)});
  asio::cancellation_signal cancel;
  bool has_ended = false;
  asio::co_spawn(context_, resolution->next(),
                 asio::bind_cancellation_slot(
                     cancel.slot(), [&](const std::exception_ptr& thrown, const std::optional<Candidate>& candidate) {
                       EXPECT_FALSE(thrown);
                       EXPECT_FALSE(candidate);
                       has_ended = true;
                       context_.stop();
                     }));
  while (first_.requests().empty()) context_.run_one();
  cancel.emit(asio::cancellation_type::terminal);
  context_.run();
  EXPECT_TRUE(has_ended);
  EXPECT_THAT(resolution->outcomes(), IsEmpty());
  first_.wait_for_closed_connection();
  EXPECT_THAT(second_.requests(), IsEmpty());
}

TEST_F(Resolving, ListsNamesWithoutAskingAnybody) {
  const Resolver resolver({entry_for(first_, 100), entry_for(second_, 900)}, {}, http_);
  std::vector<std::string> names;
  for (const Candidate& candidate : resolver.names(reference("nginx:1.25"))) names.push_back(candidate.name);
  EXPECT_THAT(names, ElementsAre(name_at(second_), name_at(first_), "nginx:1.25"));
  EXPECT_THAT(first_.requests(), IsEmpty());
  EXPECT_THAT(second_.requests(), IsEmpty());
}

}  // namespace
}  // namespace shim::registry
