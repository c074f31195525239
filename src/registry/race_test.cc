#include "registry/race.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace shim::registry {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using TimePoint = Race::TimePoint;
using enum Race::Runner;
using enum Race::Answer;

constexpr TimePoint kStart{100h};

// A race whose steps are written as text: `ask 0 1, wait 150ms`, `take 2`, `over`. Times count from the start.
class ARace {
 public:
  explicit ARace(std::vector<Race::Runner> runners, Race::Options options = {.hedge_delay = 150ms, .timeout = 2s})
      : race_(std::move(runners), options) {
    race_.begin(kStart);
  }

  std::string step(std::chrono::milliseconds since_start) {
    const Race::Step step = race_.step(kStart + since_start);
    std::string text;
    for (const std::size_t runner : step.ask) text += (text.empty() ? "ask " : " ") + std::to_string(runner);
    if (!text.empty()) text += ", ";
    if (step.take) text += "take " + std::to_string(*step.take);
    if (step.wait_until) {
      const auto until = std::chrono::duration_cast<std::chrono::milliseconds>(*step.wait_until - kStart);
      text += "wait " + std::to_string(until.count()) + "ms";
    }
    if (step.is_over) text += "over";
    return text;
  }
  std::string step_anew(std::chrono::milliseconds since_start) {
    race_.begin(kStart + since_start);
    return step(since_start);
  }
  // What is taken from `since_start` on, in waits that follow at once upon another.
  std::vector<std::string> rest(std::chrono::milliseconds since_start) {
    std::vector<std::string> steps;
    for (std::string text = step_anew(since_start); text != "over"; text = step_anew(since_start)) {
      steps.push_back(text);
      if (!text.starts_with("take")) break;
    }
    return steps;
  }
  void answered(std::size_t runner, Race::Answer answer) { race_.answered(runner, answer); }

 private:
  Race race_;
};

TEST(ARace, OfNobodyIsOver) {
  ARace race({});
  EXPECT_EQ(race.step(0ms), "over");
  EXPECT_EQ(race.step(1ms), "over");
}

TEST(ARace, TakesTheFirstYesWithoutAskingFurther) {
  ARace race({askable, askable});
  EXPECT_EQ(race.step(0ms), "ask 0, wait 150ms");
  race.answered(0, yes);
  EXPECT_EQ(race.step(1ms), "take 0");
}

TEST(ARace, AsksNobodyTwice) {
  ARace race({askable, askable});
  EXPECT_EQ(race.step(0ms), "ask 0, wait 150ms");
  EXPECT_EQ(race.step(0ms), "wait 150ms");
  EXPECT_EQ(race.step(149ms), "wait 150ms");
  EXPECT_EQ(race.step(150ms), "ask 1, wait 2000ms");
  EXPECT_EQ(race.step(150ms), "wait 2000ms");
}

TEST(ARace, AsksTheNextAtOnceAfterANoOrAnError) {
  ARace race({askable, askable, askable});
  EXPECT_EQ(race.step(0ms), "ask 0, wait 150ms");
  race.answered(0, no);
  EXPECT_EQ(race.step(5ms), "ask 1, wait 155ms");
  race.answered(1, none);
  EXPECT_EQ(race.step(7ms), "ask 2, wait 2000ms");
}

TEST(ARace, GoesByTheOneAskedLast) {
  ARace race({askable, askable, askable});
  race.step(0ms);
  EXPECT_EQ(race.step(150ms), "ask 1, wait 300ms");
  race.answered(0, no);
  EXPECT_EQ(race.step(200ms), "wait 300ms") << "1 was asked 50 ms ago";
  EXPECT_EQ(race.step(300ms), "ask 2, wait 2000ms");
}

TEST(ARace, WaitsForABetterRunnerUntilTheBudgetEnds) {
  ARace race({askable, askable, askable});
  race.step(0ms);
  race.step(150ms);
  race.answered(1, yes);
  EXPECT_EQ(race.step(160ms), "wait 2000ms") << "2 is not asked any more";
  EXPECT_EQ(race.step(1999ms), "wait 2000ms");
  EXPECT_EQ(race.step(2000ms), "take 1");
}

TEST(ARace, TakesABetterYesThatComesLater) {
  ARace race({askable, askable});
  race.step(0ms);
  race.step(150ms);
  race.answered(1, yes);
  EXPECT_EQ(race.step(160ms), "wait 2000ms");
  race.answered(0, yes);
  EXPECT_EQ(race.step(400ms), "take 0");
  EXPECT_EQ(race.step_anew(500ms), "take 1");
}

TEST(ARace, TakesAYesOnceAllBetterRunnersHaveAnswered) {
  ARace race({askable, askable});
  race.step(0ms);
  race.step(150ms);
  race.answered(1, yes);
  race.step(160ms);
  race.answered(0, none);
  EXPECT_EQ(race.step(400ms), "take 1");
}

TEST(ARace, DoesNotWaitForWorseRunners) {
  ARace race({askable, askable});
  race.step(0ms);
  race.step(150ms);
  race.answered(0, yes);
  EXPECT_EQ(race.step(160ms), "take 0");
}

TEST(ARace, AsksEveryRunnerWithinHalfOfTheBudget) {
  ARace race(std::vector(20, askable));
  for (int asked = 0; asked < 20; ++asked) {
    EXPECT_TRUE(race.step(asked * 50ms).starts_with("ask " + std::to_string(asked) + ",")) << asked;
  }
  EXPECT_EQ(race.step(1000ms), "wait 2000ms");
}

TEST(ARace, FindsTheOneYesAmongManyDeadRegistries) {
  ARace race(std::vector(20, askable));
  for (int asked = 0; asked < 20; ++asked) race.step(asked * 50ms);
  race.answered(19, yes);
  EXPECT_EQ(race.step(960ms), "wait 2000ms");
  EXPECT_EQ(race.step(2000ms), "take 19");
}

TEST(ARace, TakesSilentRunnersBestFirstWhenTheBudgetEndsWithoutAYes) {
  ARace race({askable, askable, askable, original});
  race.step(0ms);
  race.step(150ms);
  race.answered(1, no);
  EXPECT_EQ(race.step(160ms), "ask 2, wait 2000ms");
  race.answered(2, none);
  EXPECT_EQ(race.step(2000ms), "take 0");
  EXPECT_THAT(race.rest(2100ms), ElementsAre("take 2", "take 3"));
}

TEST(ARace, TakesASilentRunnerAtOnceWhenAllHaveAnswered) {
  ARace race({askable, askable});
  race.step(0ms);
  race.answered(0, none);
  race.step(5ms);
  race.answered(1, none);
  EXPECT_EQ(race.step(10ms), "take 0");
}

TEST(ARace, TakesOneThatNoTimeWasLeftToAsk) {
  ARace race({askable, askable});
  EXPECT_EQ(race.step(3000ms), "take 0");
  EXPECT_EQ(race.step_anew(3100ms), "ask 1, wait 5100ms") << "one that was taken is not asked later";
}

TEST(ARace, NeverTakesOneThatSaidNo) {
  ARace race({askable, left_out, askable});
  race.answered(1, no);
  race.step(0ms);
  race.answered(0, no);
  race.step(5ms);
  race.answered(2, no);
  EXPECT_EQ(race.step(10ms), "over");
}

TEST(ARace, NeitherAsksNorWaitsForTheOriginal) {
  ARace race({original});
  EXPECT_EQ(race.step(0ms), "take 0");
  EXPECT_EQ(race.step_anew(1ms), "over");
}

TEST(ARace, TakesTheLeftOutLastOfAll) {
  ARace race({left_out, askable, left_out, original});
  race.answered(0, yes);
  EXPECT_EQ(race.step(0ms), "ask 1, wait 2000ms");
  race.answered(1, none);
  EXPECT_EQ(race.step(5ms), "take 1");
  EXPECT_THAT(race.rest(10ms), ElementsAre("take 3", "take 0", "take 2"));
}

TEST(ARace, TakesTheUnreachedAfterTheOriginal) {
  ARace race({askable, left_out, askable, left_out, original});
  race.answered(1, last_resort);
  race.answered(3, none);
  race.step(0ms);
  race.answered(0, last_resort);
  race.step(5ms);
  race.answered(2, none);
  EXPECT_EQ(race.step(10ms), "take 2");
  EXPECT_THAT(race.rest(15ms), ElementsAre("take 3", "take 4", "take 0", "take 1"));
}

TEST(ARace, DoesNotAskOneWhoseAnswerIsKnown) {
  ARace race({askable, askable, askable, askable});
  race.answered(0, no);
  race.answered(2, no);
  race.answered(3, yes);
  EXPECT_EQ(race.step(0ms), "ask 1, wait 2000ms");
  race.answered(1, no);
  EXPECT_EQ(race.step(5ms), "take 3");
}

TEST(ARace, TakesAKnownBestYesAtOnce) {
  ARace race({askable, askable});
  race.answered(0, yes);
  EXPECT_EQ(race.step(0ms), "take 0");
}

TEST(ARace, TakesATrustedRunnerWithoutAsking) {
  ARace race({trusted, askable});
  EXPECT_EQ(race.step(0ms), "take 0");
}

TEST(ARace, TakesATrustedRunnerAsAYesKnownFromTheBeginning) {
  ARace race({askable, trusted, askable});
  EXPECT_EQ(race.step(0ms), "ask 0, wait 2000ms");
  race.answered(0, no);
  EXPECT_EQ(race.step(5ms), "take 1");
  EXPECT_EQ(race.step_anew(10ms), "ask 2, wait 2010ms");
}

TEST(ARace, TrustsWhateverTheEntryAnswersToOthers) {
  ARace race({trusted, original});
  race.answered(0, no);
  race.answered(1, no);
  EXPECT_EQ(race.step(0ms), "take 0");
  EXPECT_THAT(race.rest(10ms), ElementsAre("take 1"));
}

TEST(ARace, LetsTheLastYesOrNoCountButNoError) {
  ARace race({askable, askable});
  race.answered(0, yes);
  race.answered(0, none);
  race.answered(1, yes);
  race.answered(1, no);
  EXPECT_EQ(race.step(0ms), "take 0");
  EXPECT_EQ(race.step_anew(1ms), "over");
}

TEST(AFailedPull, IsFollowedByTheNextHolder) {
  ARace race({askable, askable, askable});
  race.step(0ms);
  race.answered(0, none);
  race.step(1ms);
  race.answered(1, yes);
  EXPECT_EQ(race.step(2ms), "take 1");
  EXPECT_EQ(race.step_anew(5000ms), "ask 2, wait 7000ms") << "in a budget of its own";
  race.answered(2, yes);
  EXPECT_EQ(race.step(5001ms), "take 2");
  EXPECT_EQ(race.step_anew(6000ms), "take 0");
  EXPECT_EQ(race.step_anew(7000ms), "over");
}

TEST(AFailedPull, AsksTheRestAtTheSamePace) {
  ARace race({trusted, askable, askable});
  race.step(0ms);
  EXPECT_EQ(race.step_anew(1000ms), "ask 1, wait 1150ms");
  EXPECT_EQ(race.step(1150ms), "ask 2, wait 3000ms");
}

TEST(AFailedPull, KeepsThePaceOfTheOneAskedLast) {
  ARace race({askable, askable, askable});
  race.step(0ms);
  race.step(150ms);
  race.answered(0, yes);
  EXPECT_EQ(race.step(160ms), "take 0");
  EXPECT_EQ(race.step_anew(200ms), "wait 300ms");
  EXPECT_EQ(race.step(300ms), "ask 2, wait 2000ms") << "1 was asked in the first budget, which ends then";
  EXPECT_EQ(race.step(2000ms), "wait 2200ms");
}

TEST(AFailedPull, DoesNotWaitAgainForOneWhoseTimeRanOut) {
  ARace race({askable, askable, original});
  race.step(0ms);
  race.step(150ms);
  race.answered(1, yes);
  race.step(160ms);
  EXPECT_EQ(race.step(2000ms), "take 1");
  EXPECT_THAT(race.rest(2100ms), ElementsAre("take 0", "take 2"));
}

TEST(AFailedPull, DoesNotWaitForOneWhoseTimeRanOutDuringThePull) {
  ARace race({askable, askable, original});
  race.step(0ms);
  race.step(150ms);
  race.answered(0, yes);
  EXPECT_EQ(race.step(160ms), "take 0");
  EXPECT_THAT(race.rest(30'000ms), ElementsAre("take 1", "take 2"));
}

TEST(AFailedPull, WaitsForOneThatStillHasTimeAndNoLonger) {
  ARace race({askable, askable, askable});
  race.step(0ms);
  race.step(150ms);
  race.step(300ms);
  race.answered(0, yes);
  EXPECT_EQ(race.step(310ms), "take 0");
  race.answered(2, yes);
  EXPECT_EQ(race.step_anew(1000ms), "wait 2000ms");
  EXPECT_EQ(race.step(2000ms), "take 2") << "1 was asked in the budget that ends now";
  EXPECT_EQ(race.step_anew(2500ms), "take 1");
}

TEST(AFailedPull, HeedsAnAnswerThatCameAfterItsTime) {
  ARace race({askable, askable, askable});
  race.step(0ms);
  race.step(150ms);
  race.step(300ms);
  EXPECT_EQ(race.step(2000ms), "take 0");
  race.answered(1, no);
  race.answered(2, yes);
  EXPECT_EQ(race.step_anew(2100ms), "take 2");
  EXPECT_EQ(race.step_anew(2200ms), "over");
}

// The rules, applied anew each time to all that has happened: slow, and without any state but the events.
class Rules {
 public:
  Rules(std::vector<Race::Runner> runners, Race::Options options) : runners_(std::move(runners)), options_(options) {}

  void begin(TimePoint at) { events_.push_back({.kind = Event::beginning, .at = at}); }
  void answered(std::size_t runner, Race::Answer answer) {
    events_.push_back({.kind = Event::answering, .runner = runner, .answer = answer});
  }
  Race::Step step(TimePoint now) {
    Race::Step step;
    if (now < budget_end(events_.size())) {
      for (auto next = to_ask(); next && ask_time(now) <= now; next = to_ask()) {
        step.ask.push_back(*next);
        events_.push_back({.kind = Event::asking, .runner = *next, .at = now});
      }
      step.wait_until = wait_until(now);
      if (step.wait_until) return step;
    }
    step.take = best();
    step.is_over = !step.take;
    if (step.take) events_.push_back({.kind = Event::taking, .runner = *step.take});
    return step;
  }

  std::optional<Race::Answer> answer_of(std::size_t runner) const {
    std::optional<Race::Answer> last;
    for (const Event& event : events_) {
      if (event.kind != Event::answering || event.runner != runner) continue;
      const bool is_clear = event.answer == yes || event.answer == no;
      if (is_clear || (last != yes && last != no)) last = event.answer;
    }
    return last;
  }
  bool has(std::size_t runner, int kind) const {
    return std::ranges::any_of(events_, [&](const Event& e) { return e.kind == kind && e.runner == runner; });
  }
  bool was_taken(std::size_t runner) const { return has(runner, Event::taking); }
  bool was_asked(std::size_t runner) const { return has(runner, Event::asking); }

 private:
  struct Event {
    enum Kind { beginning, asking, answering, taking };
    Kind kind;
    std::size_t runner = 0;
    TimePoint at{};
    Race::Answer answer = none;
  };

  // Of the budget that ran when `count` events had happened.
  TimePoint budget_end(std::size_t count) const {
    while (events_[count - 1].kind != Event::beginning) --count;
    return events_[count - 1].at + options_.timeout;
  }
  std::optional<std::size_t> asking_of(std::size_t runner) const {
    for (std::size_t i = 0; i < events_.size(); ++i) {
      if (events_[i].kind == Event::asking && events_[i].runner == runner) return i;
    }
    return std::nullopt;
  }
  bool is_yes(std::size_t runner) const {
    if (was_taken(runner)) return false;
    return runners_[runner] == trusted || (runners_[runner] == askable && answer_of(runner) == yes);
  }
  bool is_unanswered(std::size_t runner) const {
    return runners_[runner] == askable && !answer_of(runner) && !was_taken(runner);
  }
  // How many runners matter: those before the best yes.
  std::size_t range() const {
    for (std::size_t runner = 0; runner < runners_.size(); ++runner) {
      if (is_yes(runner)) return runner;
    }
    return runners_.size();
  }
  std::optional<std::size_t> to_ask() const {
    for (std::size_t runner = 0; runner < range(); ++runner) {
      if (is_unanswered(runner) && !was_asked(runner)) return runner;
    }
    return std::nullopt;
  }
  TimePoint ask_time(TimePoint now) const {
    for (std::size_t i = events_.size(); i-- > 0;) {
      const Event& last = events_[i];
      if (last.kind != Event::asking) continue;
      if (!is_unanswered(last.runner) || budget_end(i) <= now) return now;
      const auto askables = std::ranges::count(runners_, askable);
      return last.at + std::min(options_.hedge_delay, options_.timeout / 2 / askables);
    }
    return now;
  }
  std::optional<TimePoint> wait_until(TimePoint now) const {
    std::vector<TimePoint> times;
    for (std::size_t runner = 0; runner < range(); ++runner) {
      if (!is_unanswered(runner)) continue;
      const auto asking = asking_of(runner);
      times.push_back(asking ? budget_end(*asking) : std::min(ask_time(now), budget_end(events_.size())));
    }
    std::erase_if(times, [&](TimePoint time) { return time <= now; });
    if (times.empty()) return std::nullopt;
    return std::ranges::min(times);
  }
  std::optional<std::size_t> best() const {
    if (range() < runners_.size()) return range();
    const auto may_have_it = [&](std::size_t runner) {
      if (runners_[runner] == left_out) return answer_of(runner) == none;
      return runners_[runner] == askable && answer_of(runner) != last_resort;
    };
    const auto is_original = [&](std::size_t runner) { return runners_[runner] == original; };
    const auto is_left = [](std::size_t) { return true; };
    for (const std::function<bool(std::size_t)>& is_next : {std::function(may_have_it), {is_original}, {is_left}}) {
      for (std::size_t runner = 0; runner < runners_.size(); ++runner) {
        const bool is_ruled_out = runners_[runner] != original && answer_of(runner) == no;
        if (is_next(runner) && !was_taken(runner) && !is_ruled_out) return runner;
      }
    }
    return std::nullopt;
  }

  const std::vector<Race::Runner> runners_;
  const Race::Options options_;
  std::vector<Event> events_;
};

std::string text_of(const Race::Step& step) {
  std::string text = "ask";
  for (const std::size_t runner : step.ask) text += " " + std::to_string(runner);
  if (step.take) text += ", take " + std::to_string(*step.take);
  if (step.wait_until) text += ", wait " + std::to_string((*step.wait_until - kStart) / 1us) + " us";
  if (step.is_over) text += ", over";
  return text;
}

// A pull as its owner runs it, with runners that answer when and what they like, each pull failing until none is left.
class RandomPull {
 public:
  RandomPull(unsigned seed, bool is_owner_late) : random_(seed), is_owner_late_(is_owner_late) {
    const int size = between(0, 6);
    for (int runner = 0; runner < size; ++runner) runners_.push_back(any_runner());
    options_ = {.hedge_delay = between(0, 300) * 1ms, .timeout = between(0, 9) == 0 ? 0ms : between(1, 2000) * 1ms};
  }

  // How many operations it took.
  int run() {
    Race race(runners_, options_);
    Rules rules(runners_, options_);
    answer_from_cache(race, rules);
    begin(race, rules);
    int operations = 0;
    for (is_over_ = false; !is_over_ && !testing::Test::HasFailure(); ++operations) {
      if (operations > 1000) ADD_FAILURE() << "the race does not end";
      operate(race, rules);
    }
    EXPECT_EQ(race.step(now_).is_over, is_over_) << "once over it stays over";
    for (std::size_t runner = 0; runner < runners_.size(); ++runner) expect_end_of(runner, rules);
    return operations;
  }

 private:
  int between(int low, int high) { return std::uniform_int_distribution(low, high)(random_); }
  Race::Runner any_runner() {
    constexpr Race::Runner kChoices[] = {askable, askable, askable, askable, askable, left_out, trusted, original};
    return kChoices[between(0, 7)];
  }
  Race::Answer any_answer() { return static_cast<Race::Answer>(between(0, 3)); }

  void answer(Race& race, Rules& rules, std::size_t runner) {
    const Race::Answer given = any_answer();
    race.answered(runner, given);
    rules.answered(runner, given);
  }
  void answer_from_cache(Race& race, Rules& rules) {
    for (std::size_t runner = 0; runner < runners_.size(); ++runner) {
      if (between(0, 4) == 0) answer(race, rules, runner);
    }
  }
  void begin(Race& race, Rules& rules) {
    race.begin(now_);
    rules.begin(now_);
    budget_end_ = now_ + options_.timeout;
    be_late();
  }

  void operate(Race& race, Rules& rules) {
    const Race::Step step = race.step(now_);
    EXPECT_EQ(text_of(step), text_of(rules.step(now_)));
    expect_one_of_three(step);
    for (const std::size_t runner : step.ask) {
      EXPECT_EQ(runners_[runner], askable);
      EXPECT_TRUE(asked_.try_emplace(runner, now_).second) << "asked twice: " << runner;
    }
    is_over_ = step.is_over;
    if (step.take) {
      expect_may_take(*step.take, rules);
      now_ += between(0, 3) * between(0, 1000) * 1ms;  // the pull that fails
      if (between(0, 2) == 0) answer(race, rules, any_position());
      begin(race, rules);
    } else if (step.wait_until) {
      expect_idle_until(*step.wait_until, race);
      await(*step.wait_until, race, rules);
    }
  }
  std::size_t any_position() { return static_cast<std::size_t>(between(0, static_cast<int>(runners_.size()) - 1)); }

  // An answer comes before that time, or the time.
  void await(TimePoint until, Race& race, Rules& rules) {
    if (between(0, 1) == 0) {
      now_ += std::chrono::microseconds(between(0, static_cast<int>((until - now_) / 1us)));
      answer(race, rules, any_position());
    } else {
      now_ = until;
    }
    be_late();
  }
  void be_late() {
    if (is_owner_late_ && between(0, 3) == 0) now_ += between(1, 2000) * 1ms;
  }

  void expect_one_of_three(const Race::Step& step) const {
    EXPECT_EQ(step.take.has_value() + step.wait_until.has_value() + (step.is_over ? 1 : 0), 1);
    EXPECT_TRUE(step.ask.empty() || step.wait_until);
    if (!step.wait_until) return;
    EXPECT_GT(*step.wait_until, now_);
    EXPECT_LE(*step.wait_until, budget_end_) << "a choice is made by the end of the budget";
  }
  void expect_may_take(std::size_t runner, const Rules& rules) {
    EXPECT_TRUE(taken_.try_emplace(runner, now_).second) << "taken twice: " << runner;
    const bool is_said = runners_[runner] == askable || runners_[runner] == left_out;
    EXPECT_FALSE(is_said && rules.answer_of(runner) == no) << runner << " said no";
  }
  // Steps in between change nothing: on a copy, as a step may not be taken back.
  void expect_idle_until(TimePoint until, const Race& race) const {
    for (const TimePoint time : {now_, now_ + (until - now_) / 2, until - 1ns}) {
      Race copy = race;
      const Race::Step idle = copy.step(time);
      EXPECT_TRUE(idle.ask.empty());
      EXPECT_EQ(idle.wait_until, until);
    }
  }
  void expect_end_of(std::size_t runner, const Rules& rules) const {
    const bool is_heard = runners_[runner] == askable || runners_[runner] == left_out;
    const bool is_ruled_out = is_heard && rules.answer_of(runner) == no;
    EXPECT_TRUE(taken_.contains(runner) || is_ruled_out) << runner << " was never tried";
    if (!asked_.contains(runner)) return;
    for (const auto& [other, when] : asked_) EXPECT_TRUE(other <= runner || when >= asked_.at(runner));
  }

  std::mt19937 random_;
  const bool is_owner_late_;
  std::vector<Race::Runner> runners_;
  Race::Options options_;
  TimePoint now_ = kStart;
  TimePoint budget_end_{};
  std::map<std::size_t, TimePoint> asked_;
  std::map<std::size_t, TimePoint> taken_;
  bool is_over_ = false;
};

TEST(ARacesModel, AgreesWithTheRulesAppliedToTheWholeHistory) {
  int operations = 0;
  for (unsigned seed = 1; seed <= 8000 && !HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    operations += RandomPull(seed, seed % 2 == 0).run();
  }
  EXPECT_GT(operations, 40'000);
}

TEST(ARacesModel, AsksEverybodyWithinHalfOfTheBudgetWhereNobodyAnswers) {
  std::mt19937 random(3);  // NOLINT(cert-msc51-cpp): the same run each time
  for (int run = 0; run < 200; ++run) {
    const auto size = std::uniform_int_distribution<std::size_t>(1, 64)(random);
    const Race::Options options{.hedge_delay = std::uniform_int_distribution(0, 500)(random) * 1ms,
                                .timeout = std::uniform_int_distribution(1, 3000)(random) * 1ms};
    Race race(std::vector(size, askable), options);
    race.begin(kStart);
    std::size_t asked = 0;
    TimePoint now = kStart;
    for (Race::Step step = race.step(now); !step.take; step = race.step(now)) {
      if (!step.ask.empty()) {
        EXPECT_LE(now, kStart + options.timeout / 2);
      }
      asked += step.ask.size();
      now = *step.wait_until;
    }
    EXPECT_EQ(asked, size);
    EXPECT_EQ(now, kStart + options.timeout);
  }
}

}  // namespace
}  // namespace shim::registry
