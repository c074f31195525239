#include "kubernetes/config_map_watch.h"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <optional>
#include <ranges>
#include <string>
#include <vector>

#include "kubernetes/testing.h"

namespace shim::kubernetes {
namespace {

using namespace std::chrono_literals;
using testing::event_json;
using testing::FakeApi;
using testing::FixedAccess;
using testing::refusal_answer;
using Then = FakeApi::Fault::Then;

std::string shown(const Sight& sight) {
  if (const auto* present = std::get_if<Present>(&sight)) return present->text.value_or("no such key");
  if (const auto* unknown = std::get_if<Unknown>(&sight)) return "? " + unknown->reason;
  return "absent";
}

class ConfigMapWatchTest : public ::testing::Test {
 protected:
  ~ConfigMapWatchTest() override { watch_.reset(); }

  void start() {
    const auto open = [this]() { return open_access(this); };
    watch_ =
        std::make_unique<ConfigMapWatch>(context_.get_executor(), http_, open, options_, [this](const Sight& sight) {
          told_.push_back(shown(sight));
          if (on_told_) on_told_();
        });
    watch_->start();
  }
  static boost::asio::awaitable<Expected<std::shared_ptr<Access>>> open_access(ConfigMapWatchTest* self) {
    ++self->opened_;
    if (!self->no_access_.empty()) co_return fail(self->no_access_);
    co_return self->access_;
  }
  template <class Predicate>
  ::testing::AssertionResult run_until(Predicate is_done) {
    context_.restart();
    for (const auto limit = std::chrono::steady_clock::now() + 20s; !is_done();) {
      if (std::chrono::steady_clock::now() > limit) return ::testing::AssertionFailure() << "after " << join();
      context_.run_one_for(5ms);
    }
    return ::testing::AssertionSuccess();
  }
  ::testing::AssertionResult run_until_told(std::size_t count) {
    return run_until([this, count] { return told_.size() >= count; });
  }
  ::testing::AssertionResult run_until_watching() {
    return run_until(
        [this] { return api_.open_watches() == 1 && watch_->status().phase == WatchStatus::Phase::watching; });
  }
  std::string join() const {
    std::string text;
    for (const std::string& each : told_) text += each + "\n";
    return text;
  }
  std::string last_watch() const {
    for (const auto requests = api_.requests(); const auto& request : std::views::reverse(requests)) {
      if (request.find("watch=true") != std::string::npos) return request;
    }
    return "";
  }

  WatchOptions options_{.name_space = "kube-system",
                        .name = "image-cri-shim",
                        .key = "registries.yaml",
                        .poll_interval = 20ms,
                        .first_pause = 5ms,
                        .longest_pause = 20ms,
                        .longest_refused_pause = 20ms};
  FakeApi api_;
  std::shared_ptr<FixedAccess> access_ =
      std::make_shared<FixedAccess>(Login{.server = api_.url(),
                                          .tls = {},
                                          .proxy = std::nullopt,
                                          .authorization = Secret("Bearer swordfish"),
                                          .headers = {}});
  std::string no_access_;
  int opened_ = 0;
  std::vector<std::string> told_;
  std::function<void()> on_told_;
  boost::asio::io_context context_{1};
  http::Client http_{context_.get_executor()};
  std::unique_ptr<ConfigMapWatch> watch_;
};

using Told = std::vector<std::string>;

TEST_F(ConfigMapWatchTest, TellsWhatIsThereAndEveryChange) {
  api_.put("one");
  start();
  ASSERT_TRUE(run_until_told(1));
  ASSERT_TRUE(run_until_watching());
  api_.put("two");
  ASSERT_TRUE(run_until_told(2));
  api_.put(std::nullopt);
  ASSERT_TRUE(run_until_told(3));
  api_.remove();
  ASSERT_TRUE(run_until_told(4));
  api_.put("three");
  ASSERT_TRUE(run_until_told(5));
  EXPECT_EQ(told_, (Told{"one", "two", "no such key", "absent", "three"}));
  EXPECT_EQ(api_.requests().size(), 2);
}

TEST_F(ConfigMapWatchTest, AsksAsTheDocumentedRuleAllows) {
  api_.put("one");
  start();
  ASSERT_TRUE(run_until_watching());
  const auto requests = api_.requests();
  EXPECT_TRUE(requests[0].starts_with("GET /api/v1/namespaces/kube-system/configmaps/image-cri-shim HTTP/1.1\r\n"));
  EXPECT_TRUE(
      requests[1].starts_with("GET /api/v1/namespaces/kube-system/configmaps?watch=true&allowWatchBookmarks=true"
                              "&fieldSelector=metadata.name%3Dimage-cri-shim&timeoutSeconds="))
      << requests[1];
  EXPECT_NE(requests[1].find("&resourceVersion=101 HTTP/1.1\r\n"), std::string::npos) << requests[1];
  for (const std::string& request : requests) {
    EXPECT_NE(request.find("\r\nAuthorization: Bearer swordfish\r\n"), std::string::npos);
    EXPECT_NE(request.find("\r\nAccept: application/json\r\n"), std::string::npos);
  }
}

TEST_F(ConfigMapWatchTest, SeesOneThatIsMadeLater) {
  start();
  ASSERT_TRUE(run_until_watching());
  EXPECT_EQ(last_watch().find("resourceVersion"), std::string::npos);
  api_.put("one");
  ASSERT_TRUE(run_until_told(2));
  EXPECT_EQ(told_, (Told{"absent", "one"}));
}

TEST_F(ConfigMapWatchTest, TellsNothingWhereOnlyTheVersionChanged) {
  api_.put("one");
  start();
  ASSERT_TRUE(run_until_watching());
  api_.put("one");
  api_.bookmark();
  api_.put("two");
  ASSERT_TRUE(run_until_told(2));
  EXPECT_EQ(told_, (Told{"one", "two"}));
}

TEST_F(ConfigMapWatchTest, ResumesAWatchThatEndedFromTheLastVersionSeen) {
  api_.put("one");
  start();
  ASSERT_TRUE(run_until_watching());
  const auto seen = watch_->status().last_seen;
  api_.bookmark();
  ASSERT_TRUE(run_until([&] { return watch_->status().last_seen > seen; }));
  api_.end_watches(FakeApi::End::clean);
  ASSERT_TRUE(run_until([&] { return api_.watches() == 2 && api_.open_watches() == 1; }));
  EXPECT_NE(last_watch().find("&resourceVersion=102 "), std::string::npos) << last_watch();
  api_.put("two");
  ASSERT_TRUE(run_until_told(2));
  EXPECT_EQ(api_.gets(), 1);
  EXPECT_EQ(told_, (Told{"one", "two"}));
}

TEST_F(ConfigMapWatchTest, MissesNothingWhereTheConnectionBreaksInAnEvent) {
  api_.put("one");
  start();
  ASSERT_TRUE(run_until_watching());
  api_.send(R"({"type":"MODIFIED","obj)");
  api_.put("two");
  api_.end_watches(FakeApi::End::abrupt);
  ASSERT_TRUE(run_until([&] { return !told_.empty() && told_.back() == "two"; }));
}

TEST_F(ConfigMapWatchTest, TakesAnEventThatComesByteByByte) {
  api_.put("one");
  start();
  ASSERT_TRUE(run_until_watching());
  for (const char c : event_json("MODIFIED", testing::config_map_json("102", "two"))) api_.send({c});
  ASSERT_TRUE(run_until_told(2));
  EXPECT_EQ(told_, (Told{"one", "two"}));
}

TEST_F(ConfigMapWatchTest, LooksAnewWhereItsVersionIsTooOld) {
  api_.put("one");
  api_.answer_watch(refusal_answer(410, "Expired", "too old resource version"));
  start();
  ASSERT_TRUE(run_until_watching());
  EXPECT_EQ(api_.gets(), 1);
  EXPECT_EQ(api_.watches(), 2);
  api_.send(event_json("ERROR", testing::status_json(410, "Expired", "too old resource version")));
  ASSERT_TRUE(run_until([&] { return api_.gets() == 2 && api_.watches() == 3; }));
  api_.put("two");
  ASSERT_TRUE(run_until([&] { return told_.back() == "two"; }));
}

TEST_F(ConfigMapWatchTest, BeginsWithWhatIsThereWhereTheHistoryBeginsAfterItsLastChange) {
  api_.put("one");
  api_.compact();
  start();
  ASSERT_TRUE(run_until_watching());
  EXPECT_EQ(last_watch().find("resourceVersion"), std::string::npos);
  EXPECT_EQ(api_.requests().size(), 3);
  EXPECT_EQ(told_, Told{"one"});
}

TEST_F(ConfigMapWatchTest, SeesWhatHappenedWhileTheHistoryWasLost) {
  api_.put("one");
  start();
  ASSERT_TRUE(run_until_watching());
  api_.answer_watch(refusal_answer(410, "Expired"));
  api_.end_watches(FakeApi::End::abrupt);
  ASSERT_TRUE(run_until([&] { return api_.gets() == 2 && api_.open_watches() == 1; }));
  EXPECT_EQ(last_watch().find("resourceVersion"), std::string::npos);
  api_.remove();
  ASSERT_TRUE(run_until([&] { return told_.back() == "absent"; }));
}

TEST_F(ConfigMapWatchTest, AsksOnceMoreWithANewLoginWhereItIsUnauthorized) {
  api_.put("one");
  api_.answer_get(refusal_answer(401, "Unauthorized", "Unauthorized"));
  start();
  ASSERT_TRUE(run_until_told(1));
  EXPECT_EQ(told_, Told{"one"});
  EXPECT_EQ(access_->refusals, 1);
  EXPECT_GE(access_->logins, 2);
}

TEST_F(ConfigMapWatchTest, SaysOnceThatItsCredentialsAreNotValid) {
  for (int i = 0; i < 4; ++i) api_.answer_get(refusal_answer(401, "Unauthorized", "Unauthorized"));
  api_.put("one");
  start();
  ASSERT_TRUE(run_until_told(2));
  EXPECT_EQ(told_[0],
            "? cannot follow ConfigMap kube-system/image-cri-shim with /etc/kubernetes/admin.conf (user admin): " +
                api_.url() +
                ": 401 Unauthorized: its credentials are not valid, or not any more; it says: Unauthorized");
  EXPECT_EQ(told_[1], "one");
}

TEST_F(ConfigMapWatchTest, SaysWhichRuleIsMissing) {
  const std::string message =
      R"(configmaps "image-cri-shim" is forbidden: User "system:node:w1" cannot get resource "configmaps")";
  api_.answer_get(refusal_answer(403, "Forbidden", message));
  start();
  ASSERT_TRUE(run_until_told(1));
  EXPECT_NE(
      told_[0].find("403 Forbidden: user \"system:node:w1\" may not get it; bind that user to a Role in namespace "
                    "kube-system with the rule {apiGroups: [\"\"], resources: [configmaps], resourceNames: "
                    "[image-cri-shim], verbs: [get, watch]}"),
      std::string::npos)
      << told_[0];
}

TEST_F(ConfigMapWatchTest, PollsWhereItMayOnlyGetAndWatchesOnceItMay) {
  api_.put("one");
  api_.forbid_watching(refusal_answer(403, "Forbidden"));
  start();
  ASSERT_TRUE(run_until([&] { return api_.gets() >= 4; }));
  EXPECT_EQ(watch_->status().phase, WatchStatus::Phase::polling);
  api_.put("two");
  ASSERT_TRUE(run_until_told(2));
  EXPECT_EQ(told_, (Told{"one", "two"}));
  api_.forbid_watching("");
  ASSERT_TRUE(run_until_watching());
}

TEST_F(ConfigMapWatchTest, WaitsAsLongAsTheServerWants) {
  api_.put("one");
  api_.answer_get(refusal_answer(429, "TooManyRequests", "", "Retry-After: 1\r\n"));
  start();
  const auto begun = std::chrono::steady_clock::now();
  ASSERT_TRUE(run_until_told(2));
  EXPECT_GE(std::chrono::steady_clock::now() - begun, 1s);
  EXPECT_NE(told_[0].find("answered 429 TooManyRequests, to be asked again in 1s"), std::string::npos) << told_[0];
}

TEST_F(ConfigMapWatchTest, SaysOnceWhyNothingIsKnown) {
  for (int i = 0; i < 5; ++i) api_.answer_get(refusal_answer(500, "InternalError", "etcd is away"));
  api_.put("one");
  start();
  ASSERT_TRUE(run_until_told(2));
  EXPECT_EQ(told_.size(), 2);
  EXPECT_EQ(told_[1], "one");
  EXPECT_EQ(api_.gets(), 6);
}

TEST_F(ConfigMapWatchTest, GivesUpAServerThatDoesNotAnswer) {
  options_.answer_timeout = 50ms;
  api_.put("one");
  api_.fail_get({.then = Then::hang});
  api_.fail_watch({.then = Then::hang});
  start();
  ASSERT_TRUE(run_until_watching());
  ASSERT_EQ(told_.size(), 2);
  EXPECT_NE(told_[0].find("no answer within 50ms"), std::string::npos) << told_[0];
  EXPECT_EQ(told_[1], "one");
  EXPECT_EQ(api_.requests().size(), 4);
}

TEST_F(ConfigMapWatchTest, ResumesAWatchThatIsSilentlyDead) {
  options_.longest_silence = 50ms;
  api_.put("one");
  api_.fail_watch({.bytes = "", .has_head = true, .then = Then::hang});
  start();
  ASSERT_TRUE(run_until_watching());
  ASSERT_TRUE(run_until([&] { return api_.watches() >= 2; }));
  api_.put("two");
  ASSERT_TRUE(run_until_told(2));
  EXPECT_EQ(told_, (Told{"one", "two"}));
}

TEST_F(ConfigMapWatchTest, SaysWhatIsWrongWithGarbage) {
  const auto chunk = [](const std::string& text) { return fmt::format("{:x}\r\n{}\r\n", text.size(), text); };
  api_.put("one");
  api_.answer_get(testing::http_answer(200, "<html>log in</html>"));
  api_.answer_get(testing::http_answer(200, testing::config_map_json("7", "x", "other")));
  api_.fail_watch({.bytes = chunk("{\"type\":\"ADDED\"}\n"), .has_head = true});
  api_.fail_watch({.bytes = chunk(std::string(100'000, '[') + "\n"), .has_head = true});
  start();
  ASSERT_TRUE(run_until([&] { return told_.size() == 5 && api_.open_watches() == 1; }));
  EXPECT_NE(told_[0].find("answered no JSON (at byte 1)"), std::string::npos) << told_[0];
  EXPECT_NE(told_[1].find("answered the ConfigMap kube-system/other instead of kube-system/image-cri-shim"),
            std::string::npos)
      << told_[1];
  EXPECT_EQ(told_[2], "one");
  EXPECT_NE(told_[3].find("sent no object of Kubernetes"), std::string::npos) << told_[3];
  EXPECT_NE(told_[4].find("sent JSON of more than 64 levels"), std::string::npos) << told_[4];
}

TEST_F(ConfigMapWatchTest, ReadsNoMoreOfAHugeAnswerThanItMust) {
  const std::string huge(100'000'000, ' ');
  api_.put("one");
  api_.answer_get(testing::http_answer(200, huge));
  api_.fail_watch({.bytes = "5f5e100\r\n" + huge + "\r\n", .has_head = true});
  start();
  ASSERT_TRUE(run_until([&] { return told_.size() == 3 && api_.open_watches() == 1; }));
  EXPECT_NE(told_[0].find("longer than 4194304 bytes"), std::string::npos) << told_[0];
  EXPECT_NE(told_[2].find("sent an event of more than 4Mi bytes"), std::string::npos) << told_[2];
}

TEST_F(ConfigMapWatchTest, SaysThatThereIsNoWayToTheServer) {
  no_access_ = "no kubeconfig";
  api_.put("one");
  start();
  ASSERT_TRUE(run_until([&] { return opened_ >= 3; }));
  no_access_.clear();
  ASSERT_TRUE(run_until_told(2));
  EXPECT_EQ(told_, (Told{"? no kubeconfig", "one"}));
}

TEST_F(ConfigMapWatchTest, SaysThatItCannotLogIn) {
  access_->error = "/etc/token: permission denied";
  api_.put("one");
  start();
  ASSERT_TRUE(run_until_told(1));
  access_->error.clear();
  ASSERT_TRUE(run_until_told(2));
  EXPECT_EQ(told_, (Told{"? /etc/token: permission denied", "one"}));
}

TEST_F(ConfigMapWatchTest, LooksNowWhateverItWaitsFor) {
  options_.first_pause = options_.longest_pause = 1h;
  api_.put("one");
  api_.answer_get(refusal_answer(500, "InternalError"));
  start();
  ASSERT_TRUE(run_until_told(1));
  for (int i = 0; i < 3; ++i) watch_->look_now();
  ASSERT_TRUE(run_until_watching());
  EXPECT_EQ(api_.gets(), 2);
  api_.bookmark();
  api_.put("two");
  ASSERT_TRUE(run_until_told(3));
  api_.bookmark();
  api_.bookmark();
  const auto seen = watch_->status().last_seen;
  ASSERT_TRUE(run_until([&] { return watch_->status().last_seen > seen; }));
  watch_->look_now();
  ASSERT_TRUE(run_until([&] { return api_.gets() == 3 && api_.watches() == 2; }));
  EXPECT_EQ(told_.back(), "two");
  EXPECT_EQ(last_watch().find("resourceVersion=103 "), std::string::npos) << "from before its last bookmark";
}

TEST_F(ConfigMapWatchTest, MayBeDestroyedByItsListener) {
  api_.put("one");
  on_told_ = [this] { watch_.reset(); };
  start();
  ASSERT_TRUE(run_until([&] { return !watch_; }));
  context_.run_for(50ms);
  EXPECT_EQ(told_, Told{"one"});
  EXPECT_EQ(api_.watches(), 0);
}

TEST_F(ConfigMapWatchTest, MayBeDestroyedByItsListenerWhileItWatches) {
  api_.put("one");
  start();
  ASSERT_TRUE(run_until_watching());
  on_told_ = [this] { watch_.reset(); };
  api_.put("two");
  ASSERT_TRUE(run_until([&] { return !watch_; }));
  api_.put("three");
  context_.run_for(50ms);
  EXPECT_EQ(told_, (Told{"one", "two"}));
}

TEST_F(ConfigMapWatchTest, MayBeDestroyedAtAnyMoment) {
  api_.put("one");
  for (int steps = 0; steps < 60; ++steps) {
    start();
    for (int i = 0; i < steps && context_.run_one_for(5ms) > 0; ++i) context_.restart();
    watch_.reset();
    told_.clear();
    context_.restart();
    context_.poll();
    EXPECT_TRUE(told_.empty());
  }
}

TEST_F(ConfigMapWatchTest, LeavesNothingBehindWhereTheLoopEndsFirst) {
  api_.put("one");
  start();
  ASSERT_TRUE(run_until_watching());
  context_.stop();
}

}  // namespace
}  // namespace shim::kubernetes
