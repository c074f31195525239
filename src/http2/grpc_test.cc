#include "http2/grpc.h"

#include <gtest/gtest.h>
#include <nghttp2/nghttp2.h>

#include <chrono>
#include <string>
#include <string_view>

namespace shim::http2 {
namespace {

using namespace std::chrono_literals;
using State = MessageReader::State;

std::string framed(const std::string& message, bool is_compressed = false) {
  return message_prefix(message.size(), is_compressed) + message;
}

// ── Messages ─────────────────────────────────────────────────────────────────────────────────────────────────────────

TEST(MessageReader, PutsAMessageTogetherHoweverItIsSplit) {
  const std::string whole = framed("hello, runtime");
  for (std::size_t first = 0; first <= whole.size(); ++first) {
    for (std::size_t second = first; second <= whole.size(); ++second) {
      MessageReader reader(100);
      std::string_view rest = whole;
      State state = State::incomplete;
      for (const std::size_t size : {first, second - first, whole.size() - second}) {
        std::string_view piece = rest.substr(0, size);
        rest.remove_prefix(size);
        state = reader.feed(piece);
        EXPECT_TRUE(piece.empty());
      }
      EXPECT_EQ(state, State::complete) << "split at " << first << " and " << second;
      EXPECT_EQ(reader.take(), "hello, runtime");
      EXPECT_TRUE(reader.is_between_messages());
    }
  }
}

TEST(MessageReader, TakesOneMessageAtATime) {
  MessageReader reader(100);
  const std::string both = framed("one") + framed("two");
  std::string_view octets = both;

  EXPECT_EQ(reader.feed(octets), State::complete);
  EXPECT_EQ(octets.size(), framed("two").size());
  EXPECT_EQ(reader.take(), "one");
  EXPECT_EQ(reader.feed(octets), State::complete);
  EXPECT_EQ(reader.take(), "two");
}

TEST(MessageReader, KnowsAnEmptyMessageFromNone) {
  MessageReader reader(100);
  std::string_view nothing;
  EXPECT_EQ(reader.feed(nothing), State::incomplete);
  EXPECT_TRUE(reader.is_between_messages());

  const std::string empty = framed("");
  std::string_view octets = empty;
  EXPECT_EQ(reader.feed(octets), State::complete);
  EXPECT_EQ(reader.message(), "");
  EXPECT_FALSE(reader.is_between_messages());
}

TEST(MessageReader, TakesAMessageOfTheMaximumButNoLarger) {
  MessageReader reader(10);
  const std::string fits = framed(std::string(10, 'x'));
  std::string_view octets = fits;
  EXPECT_EQ(reader.feed(octets), State::complete);
  EXPECT_EQ(reader.take().size(), 10U);

  const std::string too_large = framed(std::string(11, 'x'));
  octets = too_large;
  EXPECT_EQ(reader.feed(octets), State::too_large);
  EXPECT_EQ(reader.announced(), 11U);
  EXPECT_EQ(octets.size(), 11U) << "nothing but the prefix is taken";
  EXPECT_EQ(reader.message(), "");
}

TEST(MessageReader, RefusesTheLargestLengthWithoutAllocatingIt) {
  MessageReader reader(16 * 1024 * 1024);
  const std::string prefix("\x00\xff\xff\xff\xff", 5);
  std::string_view octets = prefix;
  EXPECT_EQ(reader.feed(octets), State::too_large);
  EXPECT_EQ(reader.announced(), 0xffffffffU);
}

TEST(MessageReader, TellsACompressedMessage) {
  MessageReader reader(100);
  const std::string both = framed("zip", true) + framed("plain");
  std::string_view octets = both;

  reader.feed(octets);
  EXPECT_TRUE(reader.is_compressed());
  reader.take();
  reader.feed(octets);
  EXPECT_FALSE(reader.is_compressed());
}

TEST(MessagePrefix, HoldsTheLengthInNetworkOrder) {
  EXPECT_EQ(message_prefix(0x01020304), std::string("\x00\x01\x02\x03\x04", 5));
  EXPECT_EQ(message_prefix(1, true), std::string("\x01\x00\x00\x00\x01", 5));
}

// ── Deadlines ────────────────────────────────────────────────────────────────────────────────────────────────────────

TEST(Timeout, ReadsEveryUnit) {
  EXPECT_EQ(parse_timeout("7n"), 7ns);
  EXPECT_EQ(parse_timeout("7u"), 7us);
  EXPECT_EQ(parse_timeout("7m"), 7ms);
  EXPECT_EQ(parse_timeout("7S"), 7s);
  EXPECT_EQ(parse_timeout("7M"), 7min);
  EXPECT_EQ(parse_timeout("7H"), 7h);
  EXPECT_EQ(parse_timeout("0n"), 0ns);
  EXPECT_EQ(parse_timeout("99999999S"), 99'999'999s);
}

TEST(Timeout, IsUnlimitedWhereNanosecondsCannotHoldIt) {
  EXPECT_EQ(parse_timeout("99999999H"), std::chrono::nanoseconds::max());
}

TEST(Timeout, IsNothingWhereTheTextIsNotOne) {
  for (const char* text : {"", "S", "7", "7s", "7 S", " 7S", "-7S", "+7S", "7.5S", "7SS", "123456789S", "0x7S"}) {
    EXPECT_EQ(parse_timeout(text), std::nullopt) << text;
  }
}

TEST(Timeout, IsWrittenInTheFinestUnitOfEightDigits) {
  EXPECT_EQ(format_timeout(99'999'999ns), "99999999n");
  EXPECT_EQ(format_timeout(100ms), "100000u");
  EXPECT_EQ(format_timeout(2min), "120000m");
  EXPECT_EQ(format_timeout(std::chrono::nanoseconds::max()), "2562048H");
}

TEST(Timeout, IsRoundedUpAndNeverZero) {
  EXPECT_EQ(format_timeout(100'000'001ns), "100001u");
  EXPECT_EQ(format_timeout(0ns), "1n");
  EXPECT_EQ(format_timeout(-5s), "1n");
}

TEST(Timeout, SurvivesWritingAndReading) {
  for (std::chrono::nanoseconds timeout = 1ns; timeout < 24h * 365; timeout = timeout * 7 + 1ns) {
    const std::string text = format_timeout(timeout);
    const auto read = parse_timeout(text);
    ASSERT_TRUE(read) << text;
    EXPECT_GE(*read, timeout) << text;
    EXPECT_LE(*read, timeout + timeout / 100'000) << text << ": rounded by more than eight digits ask for";
  }
}

// ── Status ───────────────────────────────────────────────────────────────────────────────────────────────────────────

HeaderList trailers(const std::string& status, const std::string& message) {
  HeaderList list;
  list.add("grpc-status", status);
  if (!message.empty()) list.add("grpc-message", message);
  return list;
}

TEST(StatusOf, ReadsCodeAndDecodedMessage) {
  const Status status = status_of(trailers("5", "image %22a%22: 50%25"));
  EXPECT_EQ(status.code, StatusCode::not_found);
  EXPECT_EQ(status.message, "image \"a\": 50%");
  EXPECT_TRUE(status_of(trailers("0", "")).is_ok());
}

TEST(StatusOf, KeepsACodeThatGrpcDoesNotDefine) {
  const Status status = status_of(trailers("99", ""));
  EXPECT_EQ(static_cast<int>(status.code), 99);
  EXPECT_EQ(status_name(status.code), "CODE(99)");
}

TEST(StatusOf, IsUnknownWithoutAStatus) {
  EXPECT_EQ(status_of({}).code, StatusCode::unknown);
  EXPECT_EQ(status_of(trailers("", "")).code, StatusCode::unknown);
  EXPECT_EQ(status_of(trailers("none", "")).code, StatusCode::unknown);
  EXPECT_EQ(status_of(trailers("-1", "")).code, StatusCode::unknown);
  EXPECT_EQ(status_of(trailers("99999999999", "")).code, StatusCode::unknown);
}

TEST(StatusName, IsGrpcsOwn) {
  EXPECT_EQ(status_name(StatusCode::ok), "OK");
  EXPECT_EQ(status_name(StatusCode::unavailable), "UNAVAILABLE");
  EXPECT_EQ(status_name(StatusCode::unauthenticated), "UNAUTHENTICATED");
}

TEST(StatusOfReset, FollowsGrpcsMapping) {
  EXPECT_EQ(status_of_reset(NGHTTP2_REFUSED_STREAM, false), StatusCode::unavailable);
  EXPECT_EQ(status_of_reset(NGHTTP2_CANCEL, false), StatusCode::cancelled);
  EXPECT_EQ(status_of_reset(NGHTTP2_ENHANCE_YOUR_CALM, false), StatusCode::resource_exhausted);
  EXPECT_EQ(status_of_reset(NGHTTP2_INADEQUATE_SECURITY, false), StatusCode::permission_denied);
  EXPECT_EQ(status_of_reset(NGHTTP2_NO_ERROR, false), StatusCode::internal);
  EXPECT_EQ(status_of_reset(NGHTTP2_PROTOCOL_ERROR, false), StatusCode::internal);
  EXPECT_EQ(status_of_reset(0xabcdef, false), StatusCode::internal);
}

TEST(StatusOfReset, IsThePassedDeadlineWhereTheServerGaveUpForIt) {
  EXPECT_EQ(status_of_reset(NGHTTP2_CANCEL, true), StatusCode::deadline_exceeded);
  EXPECT_EQ(status_of_reset(NGHTTP2_REFUSED_STREAM, true), StatusCode::unavailable);
}

TEST(TrailersOnly, IsAWholeGrpcResponse) {
  const HeaderList list = trailers_only({StatusCode::unavailable, "no\nsocket: 100% \xc3\xa4"});
  ASSERT_EQ(list.size(), 4U);
  EXPECT_EQ(list[0].name, ":status");
  EXPECT_EQ(list.find(":status"), "200");
  EXPECT_EQ(list.find("content-type"), "application/grpc");
  EXPECT_EQ(list.find("grpc-status"), "14");
  EXPECT_EQ(list.find("grpc-message"), "no%0Asocket: 100%25 %C3%A4");
}

TEST(TrailersOnly, ReadsBackAsTheSameStatus) {
  const Status status = status_of(trailers_only({StatusCode::unknown, "schöne \"Grüße\" \t%41"}));
  EXPECT_EQ(status.code, StatusCode::unknown);
  EXPECT_EQ(status.message, "schöne \"Grüße\" \t%41");
}

TEST(TrailersOnly, FitsTheSmallestHeaderListThatPeersTake) {
  constexpr std::size_t kSmallest = 16 * 1024;  // grpc-core's and grpc-go's default
  for (const char* letter : {"x", "%", "镜"}) {
    std::string message;
    while (message.size() < 100'000) message += letter;
    EXPECT_LE(trailers_only({StatusCode::unknown, message}).octets(), kSmallest) << letter;
  }
}

TEST(TrailersOnly, IsNeverCutInsideACharacter) {
  for (const std::string begin : {"", "x", "xx"}) {
    std::string message = begin;
    while (message.size() < 100'000) message += "镜";
    const Status status = status_of(trailers_only({StatusCode::unknown, message}));
    EXPECT_GT(status.message.size(), 4000U);
    EXPECT_EQ(status.message.size() % 3, begin.size());
  }
}

TEST(TrailersOnlyWith, KeepsTheTrailersBehindTheResponsesOwnFields) {
  HeaderList own = trailers("5", "gone");
  own.add("secret-bin", "AA==", true);
  const HeaderList list = trailers_only_with(own);
  ASSERT_EQ(list.size(), 5U);
  EXPECT_EQ(list[0].name, ":status");
  EXPECT_EQ(list[4].name, "secret-bin");
  EXPECT_TRUE(list[4].never_index);
}

TEST(StatusTrailers, HaveAMessageOnlyWhereThereIsOne) {
  const HeaderList list = status_trailers({});
  ASSERT_EQ(list.size(), 1U);
  EXPECT_EQ(list.find("grpc-status"), "0");
}

}  // namespace
}  // namespace shim::http2
