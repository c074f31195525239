// What a Client makes of peers that misbehave.
#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <fstream>
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

class ClientFaults : public ::testing::Test {
 protected:
  Result send(Request request) { return testing::send(context_, client_, std::move(request)); }
  Result get(const RawServer& server, std::chrono::milliseconds timeout = 10s) {
    return send(request_for(server.url(), timeout));
  }
  static RawServer::Serve answering(std::string bytes) {
    return [bytes = std::move(bytes)](RawConnection& connection, int) {
      connection.read_header();
      connection.write(bytes);
    };
  }
  static std::string address(const RawServer& server) { return "127.0.0.1:" + std::to_string(server.port()); }

  asio::io_context context_{1};
  Client client_{context_.get_executor()};
};

TEST_F(ClientFaults, ADripOfABodyEndsAtTheTimeOut) {
  std::atomic<bool> is_over = false;
  RawServer server([&](RawConnection& connection, int) {
    connection.read_header();
    connection.write("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
    while (!is_over && connection.write("x") && !connection.closes_within(10ms)) {
    }
  });
  const Result result = get(server, 100ms);
  is_over = true;
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, Failure::Kind::timed_out);
  EXPECT_EQ(message(result), "http://" + address(server) + ": connected to " + address(server) +
                                 ", but its answer did not end within 100ms");
}

TEST_F(ClientFaults, ADripOfAHeaderEndsAtTheTimeOut) {
  RawServer server([](RawConnection& connection, int) {
    connection.read_header();
    connection.write("HTTP/1.1 200 OK\r\nX-Drip: ");
    while (connection.write("x") && !connection.closes_within(10ms)) {
    }
  });
  const Result result = get(server, 100ms);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, Failure::Kind::timed_out);
}

TEST_F(ClientFaults, GarbageIsNoAnswer) {
  for (const char* bytes :
       {"SSH-2.0-OpenSSH_9.2\r\n", "\x16\x03\x01", "220 smtp ready\r\n", "HTTP/9.9 banana\r\n\r\n"}) {
    RawServer server(answering(bytes));
    const Result result = get(server);
    ASSERT_FALSE(result) << bytes;
    EXPECT_EQ(result.error().kind, Failure::Kind::unreachable) << bytes;
  }
}

TEST_F(ClientFaults, AnAnswerThatBreaksOffIsNoAnswer) {
  RawServer server(answering("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"));
  const Result result = get(server);
  ASSERT_FALSE(result);
  EXPECT_EQ(message(result), "http://" + address(server) + ": broke its answer off");
}

TEST_F(ClientFaults, AConnectionClosedAtOnceIsNoAnswer) {
  RawServer server(answering(""));
  const Result result = get(server);
  ASSERT_FALSE(result);
  EXPECT_EQ(message(result), "http://" + address(server) + ": closed the connection without an answer");
}

TEST_F(ClientFaults, EndlessInformationalAnswersAreBounded) {
  RawServer server([](RawConnection& connection, int) {
    connection.read_header();
    while (connection.write("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")) {
    }
  });
  const Result result = get(server);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, Failure::Kind::too_large);
}

TEST_F(ClientFaults, AKeptConnectionThatDiedIsReplaced) {
  RawServer server([](RawConnection& connection, int number) {
    if (number > 1) return testing::say_hello(connection, number);
    connection.read_header();
    connection.write(testing::kHello);
    connection.read_header();  // and closes: a server that restarts
  });
  ASSERT_TRUE(get(server));
  const Result result = get(server);
  EXPECT_TRUE(result) << message(result);
  Request post = request_for(server.url());
  post.method = Method::post;
  post.body = Secret("grant_type=password");
  EXPECT_TRUE(send(std::move(post)));
}

TEST_F(ClientFaults, ATlsHandshakeThatHangsIsNamed) {
  RawServer server([](RawConnection& connection, int) { connection.wait_for_close(); });
  const Result result = send(request_for(server.url("127.0.0.1", "https"), 100ms));
  ASSERT_FALSE(result);
  EXPECT_EQ(message(result), "https://" + address(server) + ": connected to " + address(server) +
                                 ", but the TLS handshake did not end within 100ms");
}

TEST_F(ClientFaults, AThousandRequestsToTheDeadLeaveNothingBehind) {
  RawServer server([](RawConnection& connection, int) { connection.wait_for_close(); });
  int ended = 0;
  for (int i = 0; i < 1000; ++i) {
    asio::co_spawn(context_, client_.request(request_for(server.url(), 50ms)),
                   [&](std::exception_ptr, const Result& result) {
                     EXPECT_FALSE(result);
                     if (++ended == 1000) context_.stop();
                   });
  }
  context_.run();
  EXPECT_EQ(ended, 1000);
}

class ClientCertificates : public ClientFaults {
 protected:
  std::string file(const std::string& name, const std::string& pem) {
    const std::string path = ::testing::TempDir() + name + "-" + std::to_string(::getpid()) + ".pem";
    std::ofstream(path) << pem;
    files_.push_back(path);
    return path;
  }
  ~ClientCertificates() override {
    for (const auto& path : files_) std::filesystem::remove(path);
  }
  Result get_with(const RawServer& server, TlsOptions tls) {
    Request request = request_for(server.url("127.0.0.1", "https"));
    request.tls = std::move(tls);
    return send(std::move(request));
  }

  test::TestCa ca_;
  std::vector<std::string> files_;
};

TEST_F(ClientCertificates, AreSentWhereTheServerWantsOne) {
  TlsPeer peer(ca_.issue({"127.0.0.1"}), ca_.file());
  RawServer server([&](RawConnection& connection, int) { peer.serve(connection); });
  const auto own = ca_.issue({"node-1"});
  const Result result =
      get_with(server, {.ca = ca_.file(), .cert = file("cert", own.certificate_pem), .key = file("key", own.key_pem)});
  EXPECT_TRUE(result) << message(result);
}

TEST_F(ClientCertificates, ThatAreMissingAreNamed) {
  TlsPeer peer(ca_.issue({"127.0.0.1"}), ca_.file());
  RawServer server([&](RawConnection& connection, int) { peer.serve(connection); });
  const Result result = get_with(server, {.ca = ca_.file()});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, Failure::Kind::tls);
  EXPECT_TRUE(message(result).ends_with(": set tls.cert and tls.key")) << message(result);
}

TEST_F(ClientCertificates, ThatCannotBeReadAreNamed) {
  TlsPeer peer(ca_.issue({"127.0.0.1"}), ca_.file());
  RawServer server([&](RawConnection& connection, int) { peer.serve(connection); });
  const Result result = get_with(server, {.ca = ca_.file(), .cert = "/no/such/cert.pem", .key = "/no/such/key.pem"});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, Failure::Kind::invalid);
  EXPECT_NE(message(result).find("/no/such/cert.pem"), std::string::npos) << message(result);
}

TEST_F(ClientCertificates, Http2IsUsedWhereTheServerOffersIt) {
  TlsPeer peer(ca_.issue({"127.0.0.1"}), "", TlsPeer::Protocol::http2);
  std::atomic<int> connections = 0;
  RawServer server([&](RawConnection& connection, int) {
    ++connections;
    peer.serve_http2(connection);
  });
  for (int i = 0; i < 5; ++i) {
    const Result result = get_with(server, {.ca = ca_.file()});
    ASSERT_TRUE(result) << message(result);
    EXPECT_EQ(result->status, 200);
  }
  EXPECT_EQ(peer.streams, 5);
  EXPECT_EQ(connections, 1);
}

}  // namespace
}  // namespace shim::http
