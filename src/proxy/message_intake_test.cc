#include "proxy/message_intake.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http2/testing.h"

namespace shim::proxy {
namespace {

using http2::message_prefix;
using http2::testing::ConnectedPair;
using http2::testing::RecordingStream;
using State = MessageIntake::State;

constexpr std::uint32_t kWindow = 20'000;     // octets
constexpr std::size_t kMaxMessage = 100'000;  // octets
constexpr std::size_t kLarge = 60'000;        // counted by the budget

// The server's end of one request, taken in by a MessageIntake.
class Taking final : public http2::StreamListener {
 public:
  explicit Taking(ByteBudget& budget) : intake(kMaxMessage, budget) {}

  void on_headers(http2::HeaderList&&, bool) override {}
  void on_data(std::string_view octets) override { states.push_back(intake.feed(*stream, octets)); }
  void on_trailers(http2::HeaderList&&) override {}
  void on_end() override {}
  void on_taken(std::size_t) override {}
  void on_close(std::uint32_t, bool) override { intake.stop(); }

  http2::Stream* stream = nullptr;
  MessageIntake intake;
  std::vector<State> states;
};

class Intake : public testing::Test {
 protected:
  // Opens a request whose body the returned intake takes.
  Taking& open(RecordingStream& call) {
    pair_.request(call);
    takers_.push_back(std::make_unique<Taking>(budget_));
    Taking& taking = *takers_.back();
    // The stream changes hands; who had it before is not told of its end.
    taking.stream = std::exchange(pair_.served(takers_.size() - 1).stream, nullptr);
    taking.stream->set_listener(&taking);
    return taking;
  }
  void send(RecordingStream& call, const std::string& octets) {
    call.stream->send_data(octets);
    pair_.settle();
  }
  static std::string framed(std::size_t size) { return message_prefix(size) + std::string(size, 'x'); }

  ByteBudget budget_{kMaxMessage};
  std::vector<std::unique_ptr<Taking>> takers_;
  RecordingStream first_;
  RecordingStream second_;
  ConnectedPair pair_{http2::Limits{.stream_window = kWindow}};
};

TEST_F(Intake, TakesAMessageThatComesInPieces) {
  Taking& taking = open(first_);
  EXPECT_TRUE(taking.intake.is_empty());
  const std::string whole = message_prefix(5) + "hello";

  send(first_, whole.substr(0, 3));
  send(first_, whole.substr(3, 4));
  EXPECT_FALSE(taking.intake.is_empty());
  EXPECT_FALSE(taking.intake.is_complete());
  send(first_, whole.substr(7));

  EXPECT_EQ(taking.states, (std::vector{State::incomplete, State::incomplete, State::complete}));
  EXPECT_TRUE(taking.intake.is_complete());
  EXPECT_EQ(taking.intake.take_message(), "hello");
}

TEST_F(Intake, GivesTheWindowBackAsAMessageArrives) {
  Taking& taking = open(first_);
  send(first_, framed(kLarge));
  EXPECT_EQ(first_.taken, kLarge + 5);
  EXPECT_TRUE(taking.intake.is_complete());
  EXPECT_EQ(budget_.used(), kLarge);
}

TEST_F(Intake, WithholdsTheWindowUntilTheBudgetGrantsTheMessage) {
  auto hold = std::make_optional(budget_.take(kLarge, [] {}));
  Taking& taking = open(first_);
  send(first_, framed(kLarge));
  EXPECT_LE(first_.taken, kWindow) << "the peer is stopped by its window";
  EXPECT_FALSE(taking.intake.is_complete());

  hold.reset();
  pair_.settle();

  EXPECT_EQ(first_.taken, kLarge + 5);
  EXPECT_TRUE(taking.intake.is_complete());
}

TEST_F(Intake, LetsSmallMessagesPassLargeOnesThatWait) {
  const auto hold = budget_.take(kLarge, [] {});
  Taking& large = open(first_);
  Taking& small = open(second_);
  send(first_, framed(kLarge));

  send(second_, framed(1000));

  EXPECT_FALSE(large.intake.is_complete());
  EXPECT_TRUE(small.intake.is_complete());
}

TEST_F(Intake, GivesItsPlaceUpWhenTheStreamGoes) {
  auto hold = std::make_optional(budget_.take(kLarge, [] {}));
  open(first_);
  send(first_, framed(kLarge));
  EXPECT_EQ(budget_.waiting(), 1U);

  first_.stream->reset(8);
  pair_.settle();
  takers_.clear();
  hold.reset();

  EXPECT_EQ(budget_.waiting(), 0U);
  EXPECT_EQ(budget_.used(), 0U);
}

TEST_F(Intake, HandsItsPlaceOverWithTheMessage) {
  Taking& taking = open(first_);
  send(first_, framed(kLarge));

  {
    const ByteBudget::Hold hold = taking.intake.take_hold();
    EXPECT_EQ(budget_.used(), kLarge);
  }

  EXPECT_EQ(budget_.used(), 0U);
}

TEST_F(Intake, RefusesAMessageOverTheMaximum) {
  Taking& taking = open(first_);
  send(first_, message_prefix(kMaxMessage + 1));
  EXPECT_EQ(taking.states, std::vector{State::too_large});
  EXPECT_EQ(taking.intake.announced(), kMaxMessage + 1);
  EXPECT_EQ(budget_.used(), 0U);
}

TEST_F(Intake, RefusesASecondMessage) {
  Taking& at_once = open(first_);
  send(first_, framed(3) + framed(3));
  EXPECT_EQ(at_once.states, std::vector{State::second_message});

  Taking& later = open(second_);
  send(second_, framed(3));
  send(second_, framed(3));
  EXPECT_EQ(later.states, (std::vector{State::complete, State::second_message}));
}

TEST_F(Intake, TellsACompressedMessage) {
  Taking& taking = open(first_);
  send(first_, message_prefix(3, true) + "zip");
  EXPECT_TRUE(taking.intake.is_compressed());
}

}  // namespace
}  // namespace shim::proxy
