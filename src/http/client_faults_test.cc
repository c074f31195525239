// What a Client makes of peers that misbehave.
#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>

#include "fake_registry/test_ca.h"
#include "http/client.h"
#include "http/testing.h"

namespace shim::http {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using testing::message;
using testing::RawConnection;
using testing::RawServer;
using testing::request_for;
using testing::Result;

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

// A TLS server that wants a certificate of the client's, and offers HTTP/2 where told so.
class TlsPeer {
 public:
  TlsPeer(const test::Certificate& identity, const std::string& client_ca, bool speaks_http2)
      : context_(SSL_CTX_new(TLS_server_method())) {
    std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes to connections that the client has closed
    use(identity);
    if (!client_ca.empty()) {
      SSL_CTX_load_verify_locations(context_, client_ca.c_str(), nullptr);
      SSL_CTX_set_verify(context_, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    }
    if (speaks_http2) SSL_CTX_set_alpn_select_cb(context_, &TlsPeer::select_http2, nullptr);
  }
  TlsPeer(TlsPeer&&) = delete;
  ~TlsPeer() { SSL_CTX_free(context_); }

  // Answers one request in HTTP/1.1.
  void serve(RawConnection& connection) {
    SSL* ssl = accept(connection);
    char bytes[4096];
    if (SSL_read(ssl, bytes, sizeof bytes) > 0)
      SSL_write(ssl, testing::kHello.data(), static_cast<int>(testing::kHello.size()));
    SSL_shutdown(ssl);
    SSL_free(ssl);
  }
  // Answers each HEADERS frame with `:status: 200` (RFC 9113 §6.2, RFC 7541 appendix A).
  void serve_http2(RawConnection& connection) {
    SSL* ssl = accept(connection);
    char preface[24];
    if (read_all(ssl, preface, sizeof preface)) {
      write(ssl, std::string("\0\0\0\4\0\0\0\0\0", 9));
      unsigned char head[9];
      while (read_all(ssl, head, sizeof head)) {
        std::string payload(static_cast<std::size_t>(head[0] << 16 | head[1] << 8 | head[2]), '\0');
        if (!read_all(ssl, payload.data(), payload.size())) break;
        if (head[3] == 4 && head[4] == 0) write(ssl, std::string("\0\0\0\4\1\0\0\0\0", 9));
        if (head[3] != 1) continue;
        std::string answer("\0\0\1\1\5", 5);
        answer.append(reinterpret_cast<const char*>(head + 5), 4);
        write(ssl, answer + "\x88");
        ++streams;
      }
    }
    SSL_free(ssl);
  }

  std::atomic<int> streams = 0;

 private:
  void use(const test::Certificate& identity) {
    BIO* certificate = BIO_new_mem_buf(identity.certificate_pem.data(), -1);
    X509* x509 = PEM_read_bio_X509(certificate, nullptr, nullptr, nullptr);
    BIO* key = BIO_new_mem_buf(identity.key_pem.data(), -1);
    EVP_PKEY* pkey = PEM_read_bio_PrivateKey(key, nullptr, nullptr, nullptr);
    SSL_CTX_use_certificate(context_, x509);
    SSL_CTX_use_PrivateKey(context_, pkey);
    X509_free(x509);
    EVP_PKEY_free(pkey);
    BIO_free(certificate);
    BIO_free(key);
  }
  SSL* accept(RawConnection& connection) {
    SSL* ssl = SSL_new(context_);
    SSL_set_fd(ssl, connection.socket());
    SSL_accept(ssl);
    return ssl;
  }
  static bool read_all(SSL* ssl, void* to, std::size_t size) {
    auto* at = static_cast<char*>(to);
    while (size > 0) {
      const int count = SSL_read(ssl, at, static_cast<int>(size));
      if (count <= 0) return false;
      at += count;
      size -= static_cast<std::size_t>(count);
    }
    return true;
  }
  static void write(SSL* ssl, const std::string& bytes) {
    SSL_write(ssl, bytes.data(), static_cast<int>(bytes.size()));
  }
  static int select_http2(SSL*, const unsigned char** out, unsigned char* size, const unsigned char*, unsigned int,
                          void*) {
    static const unsigned char kHttp2[] = {'h', '2'};
    *out = kHttp2;
    *size = sizeof kHttp2;
    return SSL_TLSEXT_ERR_OK;
  }

  SSL_CTX* context_;
};

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
  TlsPeer peer(ca_.issue({"127.0.0.1"}), ca_.file(), false);
  RawServer server([&](RawConnection& connection, int) { peer.serve(connection); });
  const auto own = ca_.issue({"node-1"});
  const Result result =
      get_with(server, {.ca = ca_.file(), .cert = file("cert", own.certificate_pem), .key = file("key", own.key_pem)});
  EXPECT_TRUE(result) << message(result);
}

TEST_F(ClientCertificates, ThatAreMissingAreNamed) {
  TlsPeer peer(ca_.issue({"127.0.0.1"}), ca_.file(), false);
  RawServer server([&](RawConnection& connection, int) { peer.serve(connection); });
  const Result result = get_with(server, {.ca = ca_.file()});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, Failure::Kind::tls);
  EXPECT_TRUE(message(result).ends_with(": set tls.cert and tls.key")) << message(result);
}

TEST_F(ClientCertificates, ThatCannotBeReadAreNamed) {
  TlsPeer peer(ca_.issue({"127.0.0.1"}), ca_.file(), false);
  RawServer server([&](RawConnection& connection, int) { peer.serve(connection); });
  const Result result = get_with(server, {.ca = ca_.file(), .cert = "/no/such/cert.pem", .key = "/no/such/key.pem"});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, Failure::Kind::invalid);
  EXPECT_NE(message(result).find("/no/such/cert.pem"), std::string::npos) << message(result);
}

TEST_F(ClientCertificates, Http2IsUsedWhereTheServerOffersIt) {
  TlsPeer peer(ca_.issue({"127.0.0.1"}), "", true);
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
