#include "base/log_repeats.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace shim {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr auto kWarning = spdlog::level::warn;
constexpr auto kError = spdlog::level::err;

class LogRepeatsTest : public testing::Test {
 protected:
  // How many of them are written.
  int say(const std::string& text, int times = 1, spdlog::level::level_enum level = kWarning) {
    int written = 0;
    for (int i = 0; i < times; ++i) written += repeats_.say(level, text, now_).is_written ? 1 : 0;
    return written;
  }
  // What is told by the time of the next thing to do.
  std::vector<std::string> next() {
    now_ = repeats_.next_due().value();
    return told(repeats_.take_due(now_));
  }
  static std::vector<std::string> told(const std::vector<LogRepeats::Repeated>& all) {
    std::vector<std::string> texts;
    for (const auto& each : all) texts.push_back(repeated_text(each));
    return texts;
  }

  LogRepeats repeats_{{.burst = 3, .first_window = 10s, .last_window = 35s, .max_texts = 4}};
  LogRepeats::Clock::time_point now_{1h};
};

TEST_F(LogRepeatsTest, ATextIsWrittenAFewTimesAndThenCounted) {
  EXPECT_EQ(say("down", 1000), 3);
  EXPECT_THAT(next(), ElementsAre("down (said 997 times more in the last 10s)"));
}

TEST_F(LogRepeatsTest, AStormIsToldInWindowsThatGrow) {
  say("down", 4);
  EXPECT_THAT(next(), ElementsAre("down (said 1 times more in the last 10s)"));
  EXPECT_EQ(say("down", 50), 0);
  EXPECT_THAT(next(), ElementsAre("down (said 50 times more in the last 20s)"));
  EXPECT_EQ(say("down", 70), 0);
  EXPECT_THAT(next(), ElementsAre("down (said 70 times more in the last 35s)"));
  EXPECT_EQ(say("down", 1), 0);
  EXPECT_THAT(next(), ElementsAre("down (said 1 times more in the last 35s)"));
}

TEST_F(LogRepeatsTest, AfterAQuietWindowItIsNewsAgain) {
  say("down", 4);
  next();
  EXPECT_THAT(next(), IsEmpty());
  EXPECT_FALSE(repeats_.next_due());
  EXPECT_EQ(say("down", 4), 3);
}

TEST_F(LogRepeatsTest, WhatIsSaidSeldomIsNeverHeldBack) {
  for (int i = 0; i < 100; ++i, now_ += 10s) {
    EXPECT_THAT(repeats_.take_due(now_), IsEmpty());
    EXPECT_EQ(say("down"), 1);
  }
}

TEST_F(LogRepeatsTest, TextsThatDifferAreNeverHeldBack) {
  say("down", 1000);
  EXPECT_EQ(say("down."), 1);
  EXPECT_EQ(say("down", 1, kError), 1) << "nor the same at another level";
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(say(std::to_string(i)), 1);
}

TEST_F(LogRepeatsTest, TheTextSaidLongestAgoMakesRoomAndItsCountIsTold) {
  for (const char* text : {"a", "b", "c", "d"}) {
    say(text, 5);
    now_ += 1s;
  }
  say("a");
  const auto verdict = repeats_.say(kWarning, "e", now_);
  EXPECT_TRUE(verdict.is_written);
  ASSERT_TRUE(verdict.displaced);
  EXPECT_EQ(repeated_text(*verdict.displaced), "b (said 2 times more in the last 3s)");
  EXPECT_EQ(verdict.displaced->level, kWarning);
}

TEST_F(LogRepeatsTest, ATextThatWasNotCountedMakesRoomInSilence) {
  for (const char* text : {"a", "b", "c", "d"}) say(text);
  EXPECT_FALSE(repeats_.say(kWarning, "e", now_).displaced);
}

TEST_F(LogRepeatsTest, NothingIsLostAtTheEnd) {
  say("a", 5);
  say("b", 3);
  say("c", 4, kError);
  now_ += 2s;
  const auto all = repeats_.take_all(now_);
  EXPECT_THAT(told(all), ElementsAre("a (said 2 times more in the last 2s)", "c (said 1 times more in the last 2s)"));
  EXPECT_EQ(all[1].level, kError);
  EXPECT_THAT(repeats_.take_all(now_), IsEmpty());
}

TEST_F(LogRepeatsTest, EveryTextIsWrittenOrCounted) {
  std::uint64_t written = 0, counted = 0;
  const auto count = [&](const std::vector<LogRepeats::Repeated>& all) {
    for (const auto& each : all) counted += each.count;
  };
  for (int i = 0; i < 10000; ++i, now_ += 37ms) {
    const auto verdict = repeats_.say(kWarning, std::to_string(i * i % 7), now_);
    written += verdict.is_written ? 1 : 0;
    if (verdict.displaced) count({*verdict.displaced});
    if (i % 13 == 0) count(repeats_.take_due(now_));
  }
  count(repeats_.take_all(now_));
  EXPECT_EQ(written + counted, 10000u);
}

TEST_F(LogRepeatsTest, TheCountOfALongTextIsNotCutOff) {
  const LogRepeats::Repeated repeated{kWarning, std::string(7 * 1024, 'x'), 5, 10s};
  EXPECT_THAT(repeated_text(repeated), SizeIs(testing::Lt(7u * 1024u)));
  EXPECT_THAT(repeated_text(repeated), testing::EndsWith("(said 5 times more in the last 10s)"));
}

}  // namespace
}  // namespace shim
