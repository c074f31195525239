#include "kubernetes/watch_plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace shim::kubernetes {
namespace {

using namespace std::chrono_literals;
using Ask = WatchPlan::Ask;
using Kind = WatchPlan::Outcome::Kind;
using Step = WatchPlan::Step;

class WatchPlanTest : public ::testing::Test {
 protected:
  Step after(Ask asked, Kind kind, std::chrono::milliseconds lasted = 0ms) {
    return plan_.after(asked, {.kind = kind, .lasted = lasted, .retry_after = std::nullopt}, now_);
  }
  // A watch that worked for an hour was begun and has come to its end.
  Step after_long_watch(Kind kind) { return after(Ask::watch, kind, 1h); }

  double random_ = 0.5;
  WatchPlan::TimePoint now_{};
  WatchPlan plan_{{}, [this] { return random_; }};
};

#define EXPECT_STEP(step, wanted_ask, wanted_pause) \
  do {                                              \
    const Step the_step = (step);                   \
    EXPECT_EQ(the_step.ask, wanted_ask);            \
    EXPECT_EQ(the_step.pause, wanted_pause);        \
  } while (false)

TEST_F(WatchPlanTest, GetsThenWatches) {
  EXPECT_STEP(plan_.restart(now_), Ask::get, 0ms);
  EXPECT_STEP(after(Ask::get, Kind::answered), Ask::watch, 0ms);
}

TEST_F(WatchPlanTest, ResumesAWatchThatWorkedAtOnce) {
  for (int i = 0; i < 5; ++i) EXPECT_STEP(after_long_watch(Kind::ended), Ask::watch, 0ms);
  EXPECT_FALSE(after_long_watch(Kind::ended).is_setback);
}

TEST_F(WatchPlanTest, AsksAServerThatEndsEveryWatchAtOnceLessAndLessOften) {
  for (const auto pause : {500ms, 1000ms, 2000ms, 4000ms, 8000ms, 15'000ms, 15'000ms}) {
    EXPECT_STEP(after(Ask::watch, Kind::ended, 999ms), Ask::watch, pause);
  }
  EXPECT_STEP(after(Ask::watch, Kind::ended, 1s), Ask::watch, 0ms);
  EXPECT_STEP(after(Ask::watch, Kind::ended, 1ms), Ask::watch, 500ms);
}

TEST_F(WatchPlanTest, PausesAreDoubledUpToTheLongest) {
  for (const auto pause : {500ms, 1000ms, 2000ms, 4000ms, 8000ms, 15'000ms, 15'000ms}) {
    const Step step = after(Ask::get, Kind::lost);
    EXPECT_STEP(step, Ask::get, pause);
    EXPECT_TRUE(step.is_setback);
  }
}

TEST_F(WatchPlanTest, AGetThatIsAnsweredDoesNotShortenThePausesOfWatchesThatFail) {
  for (const auto pause : {500ms, 1000ms, 2000ms, 4000ms}) {
    EXPECT_EQ(after(Ask::watch, Kind::garbled).pause, pause);
    EXPECT_STEP(after(Ask::get, Kind::answered), Ask::watch, 0ms);
  }
}

TEST_F(WatchPlanTest, AWatchThatWorkedMakesThePausesShortAgain) {
  for (int i = 0; i < 10; ++i) after(Ask::get, Kind::lost);
  after_long_watch(Kind::ended);
  EXPECT_EQ(after(Ask::get, Kind::lost).pause, 500ms);
}

TEST_F(WatchPlanTest, TakesItsTimeToResumeAWatchThatBrokeOffAsAllNodesLoseTheirsAtOnce) {
  const Step step = after_long_watch(Kind::lost);
  EXPECT_STEP(step, Ask::watch, 2000ms);
  EXPECT_FALSE(step.is_setback);
  EXPECT_TRUE(after(Ask::watch, Kind::lost).is_setback);
}

TEST_F(WatchPlanTest, TakesAMomentToResumeAWatchThatWasCutShort) {
  for (int i = 0; i < 3; ++i) {
    const Step step = after_long_watch(Kind::cut_short);
    EXPECT_STEP(step, Ask::watch, 500ms);
    EXPECT_FALSE(step.is_setback);
  }
  for (const auto pause : {1000ms, 2000ms, 4000ms}) EXPECT_EQ(after(Ask::watch, Kind::cut_short, 1ms).pause, pause);
}

TEST_F(WatchPlanTest, AsksARefusingServerEveryFewMinutesInTheEnd) {
  Step step;
  for (int i = 0; i < 20; ++i) step = after(Ask::get, Kind::forbidden);
  EXPECT_EQ(step.pause, 150s);
  for (int i = 0; i < 20; ++i) step = after(Ask::get, Kind::unauthorized);
  EXPECT_EQ(step.pause, 150s);
  EXPECT_EQ(after(Ask::get, Kind::lost).pause, 15s);
}

TEST_F(WatchPlanTest, SpreadsTenThousandNodesAfterARestartOfTheServer) {
  std::mt19937 generator(1);  // NOLINT: the same numbers in every run
  std::uniform_real_distribution<double> uniform(0, 1);
  constexpr auto kBack = 20'000ms;  // after the restart began
  std::vector<int> in_second(120);
  for (int node = 0; node < 10'000; ++node) {
    WatchPlan plan({}, [&] { return uniform(generator); });
    auto at = plan.after(Ask::watch, {.kind = Kind::lost, .lasted = 1h, .retry_after = std::nullopt}, now_).pause;
    while (at < kBack) at += plan.after(Ask::get, {}, now_).pause;
    ++in_second.at(static_cast<std::size_t>(at / 1s));
  }
  EXPECT_LT(std::ranges::max(in_second), 1500);
  EXPECT_EQ(std::ranges::count_if(in_second, [](int count) { return count > 0; }), 30);
}

TEST_F(WatchPlanTest, LooksBetweenWatchesThatFail) {
  EXPECT_EQ(after(Ask::watch, Kind::lost).ask, Ask::watch);
  EXPECT_EQ(after(Ask::watch, Kind::lost).ask, Ask::get);
  EXPECT_EQ(after(Ask::get, Kind::answered).ask, Ask::watch);
  EXPECT_EQ(after(Ask::watch, Kind::lost).ask, Ask::get);
}

TEST_F(WatchPlanTest, WatchesAtOnceWhereTheVersionJustSeenIsTooOld) {
  after(Ask::get, Kind::answered);
  EXPECT_STEP(after(Ask::watch, Kind::expired), Ask::watch, 0ms);
  EXPECT_STEP(after(Ask::watch, Kind::expired), Ask::get, 500ms);
}

TEST_F(WatchPlanTest, LooksAnewAtOnceWhereTheVersionIsTooOldButOnlyOnce) {
  EXPECT_STEP(after(Ask::watch, Kind::expired), Ask::get, 0ms);
  after(Ask::get, Kind::answered);
  EXPECT_STEP(after(Ask::watch, Kind::expired), Ask::get, 500ms);
  after_long_watch(Kind::ended);
  EXPECT_STEP(after(Ask::watch, Kind::expired), Ask::get, 0ms);
}

TEST_F(WatchPlanTest, TriesANewLoginAtOnceButOnlyOnce) {
  for (const Ask ask : {Ask::get, Ask::watch}) {
    const Step first = after(ask, Kind::unauthorized);
    EXPECT_STEP(first, ask, 0ms);
    EXPECT_FALSE(first.is_setback);
    const Step second = after(ask, Kind::unauthorized);
    EXPECT_EQ(second.ask, ask);
    EXPECT_GT(second.pause, 0ms);
    EXPECT_TRUE(second.is_setback);
    after(Ask::get, Kind::answered);
  }
}

TEST_F(WatchPlanTest, WaitsAsLongAsTheServerWantsAndABitMore) {
  const auto pause_after = [this](std::chrono::seconds time) {
    WatchPlan plan({}, [this] { return random_; });
    return plan.after(Ask::get, {.kind = Kind::lost, .lasted = {}, .retry_after = time}, now_).pause;
  };
  EXPECT_EQ(pause_after(7s), 7500ms);
  EXPECT_EQ(pause_after(86'400s), 5min + 500ms);
}

TEST_F(WatchPlanTest, PollsWhereWatchingIsForbidden) {
  const Step step = after(Ask::watch, Kind::forbidden);
  EXPECT_STEP(step, Ask::get, 15s);
  EXPECT_FALSE(step.is_setback);
  EXPECT_TRUE(plan_.is_polling());
  EXPECT_STEP(after(Ask::get, Kind::answered), Ask::get, 15s);
  random_ = 0;
  EXPECT_STEP(after(Ask::get, Kind::answered), Ask::get, 13'500ms);
}

TEST_F(WatchPlanTest, TriesToWatchAgainNowAndThen) {
  for (const auto polling : {15s, 30s, 60s, 120s, 240s, 480s, 600s, 600s}) {
    after(Ask::watch, Kind::forbidden);
    now_ += polling - 1s;
    EXPECT_EQ(after(Ask::get, Kind::answered).ask, Ask::get);
    now_ += 1s;
    EXPECT_STEP(after(Ask::get, Kind::answered), Ask::watch, 0ms);
  }
  EXPECT_STEP(after(Ask::watch, Kind::ended, 1h), Ask::watch, 0ms);
  EXPECT_FALSE(plan_.is_polling());
}

TEST_F(WatchPlanTest, AForbiddenGetIsASetback) {
  const Step step = after(Ask::get, Kind::forbidden);
  EXPECT_STEP(step, Ask::get, 500ms);
  EXPECT_TRUE(step.is_setback);
}

TEST_F(WatchPlanTest, ForgetsWhatFailedWhenItIsRestarted) {
  for (int i = 0; i < 5; ++i) after(Ask::get, Kind::lost);
  after(Ask::watch, Kind::forbidden);
  EXPECT_STEP(plan_.restart(now_), Ask::get, 0ms);
  EXPECT_STEP(after(Ask::get, Kind::answered), Ask::watch, 0ms);
  EXPECT_EQ(after(Ask::get, Kind::lost).pause, 500ms);
}

TEST_F(WatchPlanTest, HasPausesOfAnyLengthUpToTheWhole) {
  random_ = 0;
  EXPECT_EQ(after(Ask::get, Kind::lost).pause, 0ms);
  random_ = 0.999;
  EXPECT_EQ(after(Ask::get, Kind::lost).pause, 1998ms);
}

}  // namespace
}  // namespace shim::kubernetes
