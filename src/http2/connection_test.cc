#include "http2/connection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nghttp2/nghttp2.h>

#include <string>
#include <utility>

#include "http2/grpc.h"
#include "http2/testing.h"

namespace shim::http2 {
namespace {

using testing::ConnectedPair;
using testing::Frame;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::list_of;
using testing::number_of_four;
using testing::RawPeer;
using testing::RecordingStream;
using testing::request_headers;
using ::testing::SizeIs;

// ── A call ───────────────────────────────────────────────────────────────────────────────────────────────────────────

TEST(Connection, CarriesARequestAResponseAndTrailers) {
  ConnectedPair pair;
  RecordingStream call;
  Stream& stream = pair.request(call);
  ASSERT_THAT(pair.server_side.requests, SizeIs(1));
  EXPECT_EQ(pair.served().headers->find(":path"), "/a.B/C");
  EXPECT_FALSE(pair.served().has_ended);

  stream.send_data("question");
  stream.send_end();
  pair.settle();
  EXPECT_EQ(pair.served().body, "question");
  EXPECT_TRUE(pair.served().has_ended);
  EXPECT_EQ(call.taken, 8U);

  pair.served().stream->send_headers(response_headers(), false);
  pair.served().stream->send_data("answer");
  pair.served().stream->send_trailers(status_trailers({StatusCode::not_found, "gone"}));
  pair.settle();

  EXPECT_EQ(call.headers->find("content-type"), "application/grpc");
  EXPECT_EQ(call.body, "answer");
  EXPECT_EQ(call.trailers->find("grpc-message"), "gone");
  EXPECT_EQ(call.closed_with, NGHTTP2_NO_ERROR);
  EXPECT_EQ(pair.served().closed_with, NGHTTP2_NO_ERROR);
  EXPECT_EQ(pair.client->open_streams(), 0U);
  EXPECT_EQ(pair.server->open_streams(), 0U);
}

TEST(Connection, CarriesATrailersOnlyResponse) {
  ConnectedPair pair;
  RecordingStream call;
  pair.request(call, true);
  EXPECT_TRUE(pair.served().has_ended);

  pair.served().stream->send_headers(trailers_only({StatusCode::unavailable, "no"}), true);
  pair.settle();

  EXPECT_EQ(call.headers->find("grpc-status"), "14");
  EXPECT_TRUE(call.has_ended);
  EXPECT_FALSE(call.trailers);
  EXPECT_EQ(call.closed_with, NGHTTP2_NO_ERROR);
}

TEST(Connection, EndsABodyWithoutTrailers) {
  ConnectedPair pair;
  RecordingStream call;
  pair.request(call, true);
  pair.served().stream->send_headers(response_headers(), false);
  pair.served().stream->send_data("answer");
  pair.served().stream->send_end();
  pair.settle();
  EXPECT_EQ(call.body, "answer");
  EXPECT_TRUE(call.has_ended);
  EXPECT_FALSE(call.trailers);
}

TEST(Connection, CarriesAMessageOfAnySizeBehindItsPrefix) {
  for (const std::size_t size : {0UL, 10UL, 5'000UL, 300'000UL}) {
    ConnectedPair pair;
    RecordingStream call;
    pair.request(call, true);
    const std::string message(size, 'm');
    pair.served().stream->send_headers(response_headers(), false);

    pair.served().stream->send_message("12345", std::string(message));
    EXPECT_EQ(pair.served().stream->queued(), 5 + size);
    pair.served().stream->send_trailers(status_trailers({}));
    pair.settle();

    EXPECT_EQ(call.body, "12345" + message);
    EXPECT_EQ(pair.served().taken, 5 + size);
    EXPECT_EQ(call.trailers->find("grpc-status"), "0");
  }
}

TEST(Connection, KeepsTheNeverIndexFlag) {
  ConnectedPair pair;
  RecordingStream call;
  HeaderList headers = request_headers();
  headers.add("authorization", "secret", true);
  pair.request(call, true, headers);
  const HeaderList& arrived = *pair.served().headers;
  EXPECT_TRUE(arrived[arrived.size() - 1].never_index);
  EXPECT_FALSE(arrived[0].never_index);
}

TEST(Connection, TakesTheAuthorityOfOldGrpcClients) {
  ConnectedPair pair;
  RecordingStream call;
  HeaderList headers = request_headers();
  headers.set(":authority", "/run/shim.sock");
  pair.request(call, true, headers);
  ASSERT_THAT(pair.server_side.requests, SizeIs(1));
  EXPECT_EQ(pair.served().headers->find(":authority"), "/run/shim.sock");
}

TEST(Connection, SendsRequestsThatWereMadeBeforeItsStart) {
  testing::Loop loop;
  testing::RecordingConnection client_side;
  testing::RecordingConnection server_side;
  const auto client = Connection::create(Connection::Role::client, {}, loop.queue, client_side);
  const auto server = Connection::create(Connection::Role::server, {}, loop.queue, server_side);
  RecordingStream call;
  ASSERT_NE(client->submit_request(request_headers(), true, call), nullptr);
  loop.settle();

  auto [one, other] = loop.socket_pair();
  client->start(std::move(one));
  server->start(loop.socket_of(other));
  loop.settle();

  EXPECT_THAT(server_side.requests, SizeIs(1));
  client->close("the test is over");
  server->close("the test is over");
}

TEST(Connection, CutsAHeaderListThatIsTooLargeAndSaysSo) {
  ConnectedPair pair(Limits{.max_header_list = 1000});
  RecordingStream call;
  HeaderList headers = request_headers();
  for (int i = 0; i < 50; ++i) headers.add("x-" + std::to_string(i), std::string(100, 'x'));
  pair.server_side.on_new_request = [](RecordingStream& request) {
    EXPECT_TRUE(request.stream->headers_too_large());
    EXPECT_LT(request.headers->octets(), 1200U);
  };
  pair.request(call, true, headers);
  EXPECT_THAT(pair.server_side.requests, SizeIs(1));
}

// ── Resets ───────────────────────────────────────────────────────────────────────────────────────────────────────────

TEST(Connection, CarriesTheCodeOfAResetBothWays) {
  for (const std::uint32_t code : {NGHTTP2_CANCEL, NGHTTP2_REFUSED_STREAM, NGHTTP2_INTERNAL_ERROR}) {
    ConnectedPair pair;
    RecordingStream from_client;
    RecordingStream from_server;
    pair.request(from_client);
    pair.request(from_server);

    from_client.stream->reset(code);
    pair.served(1).stream->reset(code);
    pair.settle();

    EXPECT_EQ(pair.served(0).closed_with, code);
    EXPECT_EQ(from_server.closed_with, code);
    EXPECT_FALSE(from_server.connection_lost);
    EXPECT_EQ(from_client.closed_with, code) << "told of its own reset";
    EXPECT_TRUE(pair.client->is_open());
  }
}

TEST(Connection, TellsOfARequestThatIsResetBeforeItLeaves) {
  ConnectedPair pair;
  RecordingStream call;
  Stream* stream = pair.client->submit_request(request_headers(), true, call);
  ASSERT_NE(stream, nullptr);

  stream->reset(NGHTTP2_CANCEL);
  pair.settle();

  EXPECT_TRUE(call.closed_with);
  EXPECT_THAT(pair.server_side.requests, IsEmpty());
  EXPECT_EQ(pair.client->open_streams(), 0U);
}

TEST(Connection, ResetsAfterWhatIsQueued) {
  RawPeer peer(Connection::Role::server);
  peer.send_headers(1, request_headers(), false);
  Stream& stream = *peer.listener.requests.at(0)->stream;

  stream.send_headers(response_headers(), false);
  stream.send_data("last words");
  stream.reset_after_queued(NGHTTP2_INTERNAL_ERROR);

  const auto frames = peer.receive();
  ASSERT_THAT(frames, SizeIs(::testing::Ge(3U)));
  const Frame& reset = frames.back();
  EXPECT_EQ(reset.type, Frame::rst_stream);
  EXPECT_EQ(reset.payload, number_of_four(NGHTTP2_INTERNAL_ERROR));
  EXPECT_EQ(frames[frames.size() - 2].payload, "last words");
}

TEST(Connection, ResetsWithNoErrorAfterTheTrailersWhereThePeerHasNotEnded) {
  RawPeer peer(Connection::Role::server);
  peer.send_headers(1, request_headers(), false);
  Stream& stream = *peer.listener.requests.at(0)->stream;

  stream.send_headers(response_headers(), false);
  stream.send_data("answer");
  stream.send_trailers(status_trailers({}));
  stream.reset_after_queued(NGHTTP2_NO_ERROR);

  const auto frames = peer.receive();
  ASSERT_FALSE(frames.empty());
  EXPECT_EQ(frames.back().type, Frame::rst_stream);
  EXPECT_EQ(frames.back().payload, number_of_four(NGHTTP2_NO_ERROR));
  const Frame& trailers = frames.at(frames.size() - 2);
  EXPECT_EQ(trailers.type, Frame::headers);
  EXPECT_NE(trailers.flags & Frame::kEndStream, 0);
}

TEST(Connection, DoesNotResetWithNoErrorWhereThePeerHasEnded) {
  RawPeer peer(Connection::Role::server);
  peer.send_headers(1, request_headers(), true);
  Stream& stream = *peer.listener.requests.at(0)->stream;

  stream.send_headers(response_headers(), false);
  stream.send_trailers(status_trailers({}));
  stream.reset_after_queued(NGHTTP2_NO_ERROR);

  EXPECT_THAT(peer.receive(Frame::rst_stream), IsEmpty());
  EXPECT_EQ(peer.listener.requests[0]->closed_with, NGHTTP2_NO_ERROR);
}

TEST(Connection, ResetsWithNoErrorOnceTheWindowLetsTheRestGo) {
  ConnectedPair pair(Limits{.stream_window = 1000});
  RecordingStream call;
  call.gives_back = false;
  pair.request(call);
  const std::string answer(1500, 'a');
  pair.served().stream->send_headers(response_headers(), false);
  pair.served().stream->send_data(answer);
  pair.served().stream->send_trailers(status_trailers({}));
  pair.served().stream->reset_after_queued(NGHTTP2_NO_ERROR);
  pair.settle();
  EXPECT_EQ(call.body.size(), 1000U);
  EXPECT_FALSE(call.closed_with);

  call.stream->consume(1000);
  pair.settle();

  EXPECT_EQ(call.body, answer);
  EXPECT_TRUE(call.trailers);
  EXPECT_EQ(call.closed_with, NGHTTP2_NO_ERROR);
}

// ── Flow control ─────────────────────────────────────────────────────────────────────────────────────────────────────

TEST(Connection, GivesAStreamsWindowBackOnlyWhenItIsConsumed) {
  ConnectedPair pair(Limits{.stream_window = 1000});
  pair.server_side.streams_give_back = false;
  RecordingStream call;
  pair.request(call).send_data(std::string(3000, 'x'));
  pair.settle();
  EXPECT_EQ(pair.served().body.size(), 1000U);
  EXPECT_EQ(call.taken, 1000U);
  EXPECT_EQ(call.stream->queued(), 2000U);

  pair.served().stream->consume(1000);
  pair.settle();
  EXPECT_EQ(pair.served().body.size(), 2000U);
  EXPECT_EQ(call.taken, 2000U);

  pair.served().stream->consume(1000);
  pair.settle();
  EXPECT_EQ(pair.served().body.size(), 3000U);
  EXPECT_EQ(call.stream->queued(), 0U);
}

TEST(Connection, APausedStreamStallsNoOther) {
  ConnectedPair pair(Limits{.stream_window = 40'000, .connection_window = 70'000});
  pair.server_side.streams_give_back = false;
  std::vector<RecordingStream> paused(4);
  for (RecordingStream& call : paused) {
    pair.request(call).send_data(std::string(50'000, 'x'));
    pair.settle();
  }
  RecordingStream other;
  pair.request(other).send_data("me first");
  pair.settle();
  for (const RecordingStream& call : paused) EXPECT_EQ(call.taken, 40'000U);
  EXPECT_EQ(pair.served(4).body, "me first");
}

TEST(Connection, ThrowsAwayAndConsumesWhatNobodyListensTo) {
  ConnectedPair pair(Limits{.stream_window = 1000});
  pair.server_side.takes_requests = false;
  RecordingStream call;
  pair.request(call).send_data(std::string(5000, 'x'));
  pair.settle();
  EXPECT_EQ(call.taken, 5000U);
}

TEST(Connection, CarriesMoreThanAnySocketBufferHolds) {
  ConnectedPair pair;
  const std::string large(8 * 1024 * 1024, 'x');
  RecordingStream call;
  Stream& stream = pair.request(call);
  stream.send_data(large);
  stream.send_end();
  pair.settle();
  EXPECT_TRUE(pair.served().has_ended);
  EXPECT_TRUE(pair.served().body == large);
  EXPECT_EQ(call.taken, large.size());
}

// ── The end ──────────────────────────────────────────────────────────────────────────────────────────────────────────

TEST(Connection, TellsStreamsBeforeItself) {
  ConnectedPair pair;
  RecordingStream call;
  pair.request(call);
  call.on_event = [&] { EXPECT_FALSE(pair.client_side.closed_because); };

  pair.client->close("enough");
  pair.client->close("once more");

  EXPECT_TRUE(call.connection_lost);
  EXPECT_EQ(pair.client_side.closed_because, "enough");
  EXPECT_FALSE(pair.client->is_open());
  EXPECT_EQ(pair.client->submit_request(request_headers(), true, call), nullptr);
  pair.settle();
  EXPECT_TRUE(pair.served().connection_lost);
  EXPECT_THAT(*pair.server_side.closed_because, HasSubstr("peer closed"));
}

TEST(Connection, TellsADetachedListenerNothing) {
  ConnectedPair pair;
  pair.client->detach();
  pair.client->close("enough");
  EXPECT_FALSE(pair.client_side.closed_because);
}

TEST(Connection, MayBeClosedFromEachCallOfAListener) {
  for (int at = 0; at < 4; ++at) {
    ConnectedPair pair;
    RecordingStream call;
    RecordingStream bystander;
    pair.request(call, true);
    pair.request(bystander);
    int calls = 0;
    call.on_event = [&] {
      if (calls++ == at) pair.client->close("from inside");
    };
    pair.served().stream->send_headers(response_headers(), false);
    pair.served().stream->send_data("x");
    pair.served().stream->send_trailers(status_trailers({}));
    pair.settle();
    EXPECT_EQ(pair.client_side.closed_because, "from inside");
    EXPECT_TRUE(call.closed_with) << at;
    EXPECT_TRUE(bystander.connection_lost) << at;
    EXPECT_EQ(pair.client->open_streams(), 0U);
  }
}

TEST(Connection, MayBeClosedFromAServersRequest) {
  ConnectedPair pair;
  pair.server_side.on_new_request = [&](RecordingStream&) { pair.server->close("not today"); };
  RecordingStream call;
  pair.request(call);
  EXPECT_EQ(pair.server_side.closed_because, "not today");
  EXPECT_TRUE(pair.served().connection_lost);
  EXPECT_TRUE(call.connection_lost);
}

TEST(Connection, MayBeClosedWhileItWrites) {
  ConnectedPair pair;
  RecordingStream call;
  Stream& stream = pair.request(call);
  call.on_event = [&] { pair.client->close("from on_taken"); };
  stream.send_data("x");
  pair.settle();
  EXPECT_EQ(pair.client_side.closed_because, "from on_taken");
  EXPECT_TRUE(call.connection_lost);
}

TEST(Connection, OthersMayBeResetFromInsideAListener) {
  ConnectedPair pair;
  RecordingStream call;
  RecordingStream other;
  pair.request(call);
  pair.request(other);
  call.on_event = [&] {
    if (other.stream != nullptr) other.stream->reset(NGHTTP2_CANCEL);
  };
  pair.served().stream->send_headers(response_headers(), false);
  pair.settle();
  EXPECT_EQ(other.closed_with, NGHTTP2_CANCEL);
  EXPECT_EQ(pair.served(1).closed_with, NGHTTP2_CANCEL);
  EXPECT_FALSE(call.closed_with);
}

TEST(Connection, RefusesWhatAGoawayLeftUnprocessed) {
  RawPeer peer(Connection::Role::client);
  RecordingStream first;
  RecordingStream second;
  peer.request(first);
  peer.request(second);
  peer.receive();

  peer.send_frame(Frame::goaway, 0, 0, number_of_four(1) + number_of_four(NGHTTP2_NO_ERROR));

  EXPECT_TRUE(peer.listener.has_goaway);
  EXPECT_FALSE(first.closed_with) << "it may still be answered";
  EXPECT_EQ(second.closed_with, NGHTTP2_REFUSED_STREAM);
  EXPECT_FALSE(second.connection_lost);
  EXPECT_FALSE(peer.connection->accepts_requests());
  RecordingStream third;
  EXPECT_EQ(peer.connection->submit_request(request_headers(), true, third), nullptr);

  peer.send_headers(1, trailers_only({}), true);
  EXPECT_EQ(first.closed_with, NGHTTP2_NO_ERROR);
  EXPECT_TRUE(peer.listener.closed_because) << "nothing is left to do on it";
}

TEST(Connection, RefusesRequestsThatAGoawayMetOnTheirWay) {
  ConnectedPair pair;
  pair.server->finish_goaway();
  RecordingStream call;
  ASSERT_NE(pair.client->submit_request(request_headers(), true, call), nullptr);
  pair.settle();
  EXPECT_TRUE(call.closed_with == NGHTTP2_REFUSED_STREAM || call.connection_lost);
  EXPECT_THAT(pair.server_side.requests, IsEmpty());
}

TEST(Connection, EndsInTwoStepsAfterTheLastCall) {
  ConnectedPair pair;
  RecordingStream call;
  pair.request(call, true);

  pair.server->announce_goaway();
  pair.settle();
  EXPECT_TRUE(pair.client_side.has_goaway);
  EXPECT_FALSE(call.closed_with);
  pair.server->finish_goaway();
  pair.settle();
  EXPECT_FALSE(call.closed_with);
  EXPECT_TRUE(pair.server->is_open());

  pair.served().stream->send_headers(trailers_only({}), true);
  pair.settle();
  EXPECT_EQ(call.closed_with, NGHTTP2_NO_ERROR);
  EXPECT_TRUE(pair.client_side.closed_because);
  EXPECT_TRUE(pair.server_side.closed_because);
}

TEST(Connection, LosesItsStreamsWithThePeer) {
  RawPeer peer(Connection::Role::client);
  RecordingStream call;
  peer.request(call);
  peer.receive();
  peer.hang_up();
  EXPECT_TRUE(call.connection_lost);
  EXPECT_TRUE(peer.listener.closed_because);
}

// ── What is malformed ────────────────────────────────────────────────────────────────────────────────────────────────

TEST(Connection, ClosesOnWhatIsNoHttp2) {
  testing::Loop loop;
  testing::RecordingConnection listener;
  const auto server = Connection::create(Connection::Role::server, {}, loop.queue, listener);
  auto [one, peer] = loop.socket_pair();
  server->start(std::move(one));
  ASSERT_EQ(::send(peer, "GET / HTTP/1.1\r\n\r\n", 18, 0), 18);
  loop.settle();
  ASSERT_TRUE(listener.closed_because);
  EXPECT_THAT(*listener.closed_because, HasSubstr("malformed"));
  ::close(peer);
}

TEST(Connection, ClosesOnAFrameThatIsTooLarge) {
  RawPeer peer(Connection::Role::server);
  peer.send(std::string("\xff\xff\xff\x00\x00\x00\x00\x00\x01", 9));
  peer.settle();
  EXPECT_FALSE(peer.receive(Frame::goaway).empty());
  EXPECT_TRUE(peer.listener.closed_because);
}

TEST(Connection, ClosesOnAHeaderBlockThatCannotBeDecoded) {
  RawPeer peer(Connection::Role::server);
  peer.send_frame(Frame::headers, Frame::kEndHeaders, 1, "\xff\xff\xff\xff\xff\xff\xff");
  peer.settle();
  EXPECT_TRUE(peer.listener.closed_because);
  EXPECT_THAT(peer.listener.requests, IsEmpty());
}

TEST(Connection, ClosesWithoutAPrefaceInTime) {
  testing::Loop loop;
  testing::RecordingConnection listener;
  const Limits limits{.preface_timeout = std::chrono::milliseconds(1)};
  const auto server = Connection::create(Connection::Role::server, limits, loop.queue, listener);
  auto [one, peer] = loop.socket_pair();
  server->start(std::move(one));
  loop.context.restart();
  loop.context.run();  // until the timer has fired and nothing is left to wait for
  EXPECT_THAT(listener.closed_because.value_or(""), HasSubstr("preface"));
  ::close(peer);
}

class MalformedRequest : public ::testing::Test {
 protected:
  // The code of the reset that stream 1 gets.
  std::string reset_code() {
    for (const Frame& frame : peer_.receive(Frame::rst_stream)) {
      if (frame.stream == 1) return frame.payload;
    }
    return "";
  }
  static std::string protocol_error() { return number_of_four(NGHTTP2_PROTOCOL_ERROR); }

  RawPeer peer_{Connection::Role::server};
};

TEST_F(MalformedRequest, IsResetAloneAndToldToNobody) {
  peer_.send_headers(1, list_of({{":method", "POST"}, {":scheme", "http"}}), true);
  EXPECT_EQ(reset_code(), protocol_error());
  EXPECT_THAT(peer_.listener.requests, IsEmpty());

  peer_.send_headers(3, request_headers(), true);
  EXPECT_THAT(peer_.listener.requests, SizeIs(1)) << "the connection goes on";
}

TEST_F(MalformedRequest, HasABodyOfAnotherLength) {
  HeaderList headers = request_headers();
  headers.add("content-length", "3");
  peer_.send_headers(1, headers, false);
  peer_.send_frame(Frame::data, Frame::kEndStream, 1, "four");
  EXPECT_EQ(reset_code(), protocol_error());
  EXPECT_FALSE(peer_.listener.requests.at(0)->has_ended);
}

TEST_F(MalformedRequest, AnnouncesABodyAndHasNone) {
  HeaderList headers = request_headers();
  headers.add("content-length", "3");
  peer_.send_headers(1, headers, true);
  EXPECT_EQ(reset_code(), protocol_error());
}

TEST_F(MalformedRequest, HasTrailersWithAPseudoHeader) {
  peer_.send_headers(1, request_headers(), false);
  peer_.send_headers(1, list_of({{":path", "/"}}), true);
  EXPECT_EQ(reset_code(), protocol_error());
}

TEST_F(MalformedRequest, HasTrailersThatDoNotEndIt) {
  peer_.send_headers(1, request_headers(), false);
  peer_.send_headers(1, list_of({{"x", "1"}}), false);
  EXPECT_EQ(reset_code(), protocol_error());
}

class Responses : public ::testing::Test {
 protected:
  Responses() {
    peer_.request(call_);
    peer_.receive();
  }

  RawPeer peer_{Connection::Role::client};
  RecordingStream call_;
};

TEST_F(Responses, MayBePrecededByInformationalOnes) {
  peer_.send_headers(1, list_of({{":status", "100"}}), false);
  EXPECT_FALSE(call_.headers);
  peer_.send_headers(1, response_headers(), false);
  peer_.send_headers(1, status_trailers({}), true);
  EXPECT_EQ(call_.headers->find(":status"), "200");
  EXPECT_TRUE(call_.trailers);
}

TEST_F(Responses, AreMalformedWhereAnInformationalOneIsTheLast) {
  peer_.send_headers(1, list_of({{":status", "100"}}), true);
  EXPECT_FALSE(call_.headers);
  EXPECT_EQ(call_.closed_with, NGHTTP2_PROTOCOL_ERROR);
}

TEST_F(Responses, AreResetWhereTheyAreMalformed) {
  peer_.send_headers(1, list_of({{":status", "200"}, {"Upper", "x"}}), false);
  EXPECT_FALSE(call_.headers);
  EXPECT_EQ(call_.closed_with, NGHTTP2_PROTOCOL_ERROR);
  EXPECT_TRUE(peer_.connection->is_open());
}

TEST_F(Responses, AreResetWhereTheirLengthDiffers) {
  HeaderList headers = response_headers();
  headers.add("content-length", "9");
  peer_.send_headers(1, headers, false);
  peer_.send_frame(Frame::data, 0, 1, "four");
  peer_.send_headers(1, status_trailers({}), true);
  EXPECT_FALSE(call_.trailers);
  EXPECT_EQ(call_.closed_with, NGHTTP2_PROTOCOL_ERROR);
}

TEST_F(Responses, AreTooMuchWhereTheirTrailersAreTooLarge) {
  peer_.send_headers(1, response_headers(), false);
  HeaderList trailers = status_trailers({});
  for (int i = 0; i < 500; ++i) trailers.add("x-" + std::to_string(i), std::string(120, 'x'));
  const std::string block = testing::encoded(trailers);
  std::size_t sent = std::min<std::size_t>(block.size(), 16'000);
  peer_.send_frame(Frame::headers, Frame::kEndStream, 1, block.substr(0, sent));
  while (sent < block.size()) {
    const std::string piece = block.substr(sent, 16'000);
    sent += piece.size();
    peer_.send_frame(Frame::continuation, sent == block.size() ? Frame::kEndHeaders : 0, 1, piece);
  }
  EXPECT_FALSE(call_.trailers);
  EXPECT_EQ(call_.closed_with, NGHTTP2_ENHANCE_YOUR_CALM);
}

// ── Limits ───────────────────────────────────────────────────────────────────────────────────────────────────────────

TEST(Connection, AnswersPingAndNeverSendsOne) {
  RawPeer peer(Connection::Role::server);
  peer.send_frame(Frame::ping, 0, 0, "12345678");
  const auto pings = peer.receive(Frame::ping);
  ASSERT_THAT(pings, SizeIs(1));
  EXPECT_EQ(pings[0].flags, Frame::kAck);
  EXPECT_EQ(pings[0].payload, "12345678");
}

TEST(Connection, EnduresThousandsOfQuickResets) {
  RawPeer peer(Connection::Role::server);
  for (std::uint32_t i = 0; i < 3000; ++i) {
    peer.send_headers(2 * i + 1, request_headers(), false);
    peer.send_frame(Frame::rst_stream, 0, 2 * i + 1, number_of_four(NGHTTP2_CANCEL));
  }
  EXPECT_FALSE(peer.listener.closed_because);
  EXPECT_EQ(peer.connection->open_streams(), 0U);
}

TEST(Connection, HoldsRequestsOverThePeersMaximumBack) {
  ConnectedPair pair(Limits{.max_concurrent_streams = 1});
  RecordingStream first;
  RecordingStream second;
  pair.request(first, true);
  pair.request(second, true);
  EXPECT_THAT(pair.server_side.requests, SizeIs(1));

  pair.served().stream->send_headers(trailers_only({}), true);
  pair.settle();

  EXPECT_THAT(pair.server_side.requests, SizeIs(2));
}

}  // namespace
}  // namespace shim::http2
