// Answers that do not end: their pieces, their silences, and what they leave to other requests.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <atomic>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>
#include <optional>
#include <string>

#include "fake_registry/test_ca.h"
#include "http/client.h"
#include "http/testing.h"
#include "http/testing_tls.h"

namespace shim::http {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using testing::message;
using testing::RawConnection;
using testing::RawServer;
using testing::request_for;
using testing::Result;
using testing::TlsPeer;

constexpr const char* kStreamHead = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

class ClientStream : public ::testing::Test {
 protected:
  ClientStream() { use(8); }
  void use(std::size_t max_connections) {
    ClientOptions options;
    options.max_connections_per_host = max_connections;
    client_ = std::make_unique<Client>(context_.get_executor(), std::move(options));
  }
  Result send(Request request) { return testing::send(context_, *client_, std::move(request)); }
  // Begins a request whose end is `result_`, and which `cancel_` ends.
  void begin(Request request) {
    asio::co_spawn(context_, client_->request(std::move(request)),
                   asio::bind_cancellation_slot(cancel_.slot(), [this](std::exception_ptr, Result done) {
                     result_ = std::move(done);
                     context_.stop();
                   }));
  }
  template <class Predicate>
  void run_until(Predicate is_done) {
    context_.restart();
    while (!is_done()) context_.run_one_for(10ms);
  }
  Request stream(const RawServer& server, const char* scheme = "http") {
    Request request = request_for(server.url("127.0.0.1", scheme));
    request.on_body = [this](std::string_view piece) {
      seen_ += piece;
      return seen_.find("stop") == std::string::npos;
    };
    return request;
  }
  static std::string address(const RawServer& server) { return "127.0.0.1:" + std::to_string(server.port()); }
  static std::string chunk(const std::string& text) { return fmt::format("{:x}\r\n{}\r\n", text.size(), text); }

  asio::io_context context_{1};
  std::unique_ptr<Client> client_;
  std::string seen_;
  std::optional<Result> result_;
  asio::cancellation_signal cancel_;
};

TEST_F(ClientStream, GivesPiecesAsTheyArrive) {
  std::atomic<bool> has_first = false;
  RawServer server([&](RawConnection& connection, int) {
    connection.read_header();
    connection.write(kStreamHead + chunk("one"));
    has_first.wait(false);
    connection.write(chunk("two") + "0\r\n\r\n");
  });
  begin(stream(server));
  run_until([&] { return seen_ == "one"; });
  EXPECT_FALSE(result_);
  has_first = true;
  has_first.notify_one();
  run_until([&] { return result_.has_value(); });
  ASSERT_TRUE(*result_) << message(*result_);
  EXPECT_EQ((*result_)->status, 200);
  EXPECT_EQ((*result_)->body, "");
  EXPECT_EQ(seen_, "onetwo");
}

TEST_F(ClientStream, GivesAnEmptyPieceWhenItsHeadHasCome) {
  RawServer server([](RawConnection& connection, int) {
    connection.read_header();
    connection.write(kStreamHead);
    connection.wait_for_close();
  });
  Request request = request_for(server.url());
  std::optional<std::string> first;
  request.on_body = [&](std::string_view piece) {
    first = piece;
    return false;
  };
  const Result result = send(std::move(request));
  EXPECT_TRUE(result) << message(result);
  EXPECT_EQ(first, "");
}

TEST_F(ClientStream, HasNoLimitOfItsBody) {
  RawServer server([](RawConnection& connection, int) {
    connection.read_header();
    connection.write("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + std::string(100'000, 'x'));
  });
  Request request = stream(server);
  request.max_body_bytes = 10;
  const Result result = send(std::move(request));
  ASSERT_TRUE(result) << message(result);
  EXPECT_EQ(seen_.size(), 100'000);
}

TEST_F(ClientStream, EndsWhereItsReaderWantsNoMore) {
  RawServer server([](RawConnection& connection, int) {
    connection.read_header();
    connection.write(kStreamHead + chunk("stop"));
    connection.wait_for_close();
  });
  const Result result = send(stream(server));
  ASSERT_TRUE(result) << message(result);
  EXPECT_EQ(result->status, 200);
}

TEST_F(ClientStream, IsOnlyA2xxAnswer) {
  RawServer server([](RawConnection& connection, int) {
    connection.read_header();
    connection.write("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 403 Forbidden\r\nContent-Length: 4\r\n\r\nstop");
  });
  const Result result = send(stream(server));
  ASSERT_TRUE(result) << message(result);
  EXPECT_EQ(result->status, 403);
  EXPECT_EQ(result->body, "stop");
  EXPECT_EQ(seen_, "");
}

TEST_F(ClientStream, ThatIsSilentForTooLongHasFailed) {
  RawServer server([](RawConnection& connection, int) {
    connection.read_header();
    connection.write(kStreamHead + chunk("one"));
    connection.wait_for_close();
  });
  Request request = stream(server);
  request.idle_timeout = 50ms;
  const Result result = send(std::move(request));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, Failure::Kind::timed_out);
  EXPECT_EQ(result.error().time_given, 50ms);
  EXPECT_TRUE(result.error().was_answered);
  EXPECT_EQ(message(result),
            "http://" + address(server) + ": connected to " + address(server) + ", but silent for 50ms in its answer");
}

TEST_F(ClientStream, ThatSpeaksNowAndThenGoesOn) {
  RawServer server([](RawConnection& connection, int) {
    connection.read_header();
    connection.write(kStreamHead);
    for (int i = 0; i < 10; ++i) {
      if (connection.closes_within(20ms)) return;
      connection.write(chunk("x"));
    }
    connection.write("0\r\n\r\n");
  });
  Request request = stream(server);
  request.idle_timeout = 150ms;
  const Result result = send(std::move(request));
  EXPECT_TRUE(result) << message(result);
  EXPECT_EQ(seen_.size(), 10);
}

TEST_F(ClientStream, MayTakeLongToBegin) {
  RawServer server([](RawConnection& connection, int) {
    connection.read_header();
    if (!connection.closes_within(100ms)) connection.write(testing::kHello);
  });
  Request request = stream(server);
  request.idle_timeout = 30ms;
  const Result result = send(std::move(request));
  EXPECT_TRUE(result) << message(result);
}

TEST_F(ClientStream, ThatDoesNotBeginWithinItsTimeHasFailed) {
  RawServer server([](RawConnection& connection, int) { connection.wait_for_close(); });
  Request request = stream(server);
  request.head_timeout = 50ms;
  const Result result = send(std::move(request));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, Failure::Kind::timed_out);
  EXPECT_FALSE(result.error().was_answered);
  EXPECT_EQ(message(result),
            "http://" + address(server) + ": connected to " + address(server) + ", but no answer within 50ms");
}

TEST_F(ClientStream, ThatHasBegunHasAllItsTime) {
  RawServer server([](RawConnection& connection, int) {
    connection.read_header();
    connection.write(kStreamHead);
    if (!connection.closes_within(100ms)) connection.write(chunk("late") + "0\r\n\r\n");
  });
  Request request = stream(server);
  request.head_timeout = 50ms;
  const Result result = send(std::move(request));
  EXPECT_TRUE(result) << message(result);
  EXPECT_EQ(seen_, "late");
}

TEST_F(ClientStream, LeavesItsTurnToOthersOnceItHasBegun) {
  use(1);
  RawServer server([](RawConnection& connection, int number) {
    if (number > 1) return testing::say_hello(connection, number);
    connection.read_header();
    connection.write(kStreamHead + chunk("one"));
    connection.wait_for_close();
  });
  begin(stream(server));
  run_until([&] { return seen_ == "one"; });
  const Result other = send(request_for(server.url()));
  EXPECT_TRUE(other) << message(other);
  EXPECT_FALSE(result_);
}

TEST_F(ClientStream, IsAbortedAtOnceWhereItIsCancelled) {
  std::atomic<bool> is_closed = false;
  RawServer server([&](RawConnection& connection, int) {
    connection.read_header();
    connection.write(kStreamHead + chunk("one"));
    connection.wait_for_close();
    is_closed = true;
  });
  begin(stream(server));
  run_until([&] { return seen_ == "one"; });
  cancel_.emit(asio::cancellation_type::terminal);
  run_until([&] { return result_ && is_closed; });
  EXPECT_EQ(result_->error().kind, Failure::Kind::cancelled);
}

TEST_F(ClientStream, AtRestWakesNobody) {
  RawServer server([](RawConnection& connection, int) {
    connection.read_header();
    connection.write(kStreamHead + chunk("one"));
    connection.wait_for_close();
  });
  Request request = stream(server);
  request.timeout = 1h;
  request.idle_timeout = 10min;
  begin(std::move(request));
  run_until([&] { return seen_ == "one"; });
  context_.run_for(400ms);  // timers of the connect that has long ended
  EXPECT_EQ(context_.run_for(1500ms), 0);
}

// The keep-alive times of this process's connection to the port: `idle interval count`; empty where it has none.
std::string keep_alive_towards(std::uint16_t port) {
  for (int fd = 0; fd < 1024; ++fd) {
    sockaddr_in peer{};
    socklen_t size = sizeof peer;
    if (::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) != 0 || ntohs(peer.sin_port) != port) continue;
    const auto option = [fd](int level, int name) {
      int value = 0;
      socklen_t length = sizeof value;
      ::getsockopt(fd, level, name, &value, &length);
      return value;
    };
    if (option(SOL_SOCKET, SO_KEEPALIVE) == 0) return "none";
    return fmt::format("{} {} {}", option(IPPROTO_TCP, TCP_KEEPIDLE), option(IPPROTO_TCP, TCP_KEEPINTVL),
                       option(IPPROTO_TCP, TCP_KEEPCNT));
  }
  return "no connection";
}

TEST_F(ClientStream, HasTcpKeepAliveOnAConnectionOfBeforeToo) {
  RawServer server([](RawConnection& connection, int) {
    connection.read_header();
    connection.write(testing::kHello);
    connection.read_header();
    connection.write(kStreamHead + chunk("one"));
    connection.wait_for_close();
  });
  ASSERT_TRUE(send(request_for(server.url())));
  EXPECT_EQ(keep_alive_towards(server.port()), "none");
  begin(stream(server));
  run_until([&] { return seen_ == "one"; });
  EXPECT_EQ(keep_alive_towards(server.port()), "30 10 3");
}

TEST_F(ClientStream, ThatFellSilentTakesItsHttp2ConnectionWithIt) {
  const test::TestCa ca;
  TlsPeer peer(ca.issue({"127.0.0.1"}), "", TlsPeer::Protocol::http2);
  std::atomic<int> connections = 0;
  RawServer server([&](RawConnection& connection, int) {
    ++connections;
    peer.serve_http2(connection);
  });
  peer.is_endless = true;
  Request request = stream(server, "https");
  request.tls.ca = ca.file();
  request.idle_timeout = 50ms;
  EXPECT_FALSE(send(std::move(request)));
  peer.is_endless = false;
  request = request_for(server.url("127.0.0.1", "https"));
  request.tls.ca = ca.file();
  const Result result = send(std::move(request));
  EXPECT_TRUE(result) << message(result);
  EXPECT_EQ(connections, 2);
}

}  // namespace
}  // namespace shim::http
