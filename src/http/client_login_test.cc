// What a kubeconfig says of its connection: certificates as content, the name to verify, a proxy of its own.
#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <fstream>
#include <iterator>
#include <string>

#include "fake_registry/test_ca.h"
#include "http/client.h"
#include "http/testing.h"
#include "http/testing_tls.h"

namespace shim::http {
namespace {

namespace asio = boost::asio;
using testing::message;
using testing::RawConnection;
using testing::RawServer;
using testing::request_for;
using testing::Result;
using testing::TlsPeer;

class ClientLogin : public ::testing::Test {
 protected:
  static std::string content(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  TlsOptions with_certificate(const test::Certificate& own) const {
    TlsOptions tls{.ca_data = ca_data_};
    tls.cert_data = own.certificate_pem;
    tls.key_data = Secret(std::string_view(own.key_pem));
    return tls;
  }
  Result send(Request request) { return testing::send(context_, client_, std::move(request)); }
  Result get_with(const RawServer& server, TlsOptions tls, std::optional<std::string> proxy = std::nullopt) {
    Request request = request_for(server.url("127.0.0.1", "https"));
    request.tls = std::move(tls);
    request.proxy = std::move(proxy);
    return send(std::move(request));
  }
  static std::string host(const RawServer& server) { return "127.0.0.1:" + std::to_string(server.port()); }
  static ClientOptions through_a_dead_proxy() {
    ClientOptions options;
    options.proxies = ProxyEnvironment{
        .http = Secret("http://proxy.invalid:1"), .https = Secret("http://proxy.invalid:1"), .all = {}, .none = {}};
    options.look_up = [](const std::string& name) -> Expected<Addresses> {
      if (name != "api.test") return fail("Name or service not known");
      return Addresses{asio::ip::make_address("127.0.0.1")};
    };
    return options;
  }

  test::TestCa ca_;
  std::string ca_data_ = content(ca_.file());
  asio::io_context context_{1};
  Client client_{context_.get_executor(), through_a_dead_proxy()};
};

TEST_F(ClientLogin, TrustsTheAuthorityInCaDataAndNoOther) {
  TlsPeer peer(ca_.issue({"127.0.0.1"}), "");
  RawServer server([&](RawConnection& connection, int) { peer.serve(connection); });
  const Result trusted = get_with(server, {.ca_data = ca_data_});
  EXPECT_TRUE(trusted) << message(trusted);
  const test::TestCa other;
  EXPECT_FALSE(get_with(server, {.ca_data = content(other.file())}));
  EXPECT_FALSE(get_with(server, {}));
}

TEST_F(ClientLogin, ShowsThePeersCertificateWhereItIsWanted) {
  TlsPeer peer(ca_.issue({"127.0.0.1"}), "");
  RawServer server([&](RawConnection& connection, int) { peer.serve(connection); });
  const Result unasked = get_with(server, {.ca_data = ca_data_});
  ASSERT_TRUE(unasked) << message(unasked);
  EXPECT_FALSE(unasked->certificate);

  Request request = request_for(server.url("127.0.0.1", "https"));
  request.tls.insecure_skip_verify = true;
  request.wants_certificate = true;
  const Result shown = send(std::move(request));
  ASSERT_TRUE(shown) << message(shown);
  ASSERT_TRUE(shown->certificate);
  EXPECT_EQ(shown->certificate->names, std::vector<std::string>{"127.0.0.1"});
  EXPECT_GT(*shown->certificate->not_after, *shown->certificate->not_before);
}

TEST_F(ClientLogin, TakesContentBeforeAPath) {
  TlsPeer peer(ca_.issue({"127.0.0.1"}), ca_.file());
  RawServer server([&](RawConnection& connection, int) { peer.serve(connection); });
  TlsOptions tls = with_certificate(ca_.issue({"node-1"}));
  tls.ca = tls.cert = tls.key = "/no/such/file.pem";
  const Result result = get_with(server, std::move(tls));
  EXPECT_TRUE(result) << message(result);
}

TEST_F(ClientLogin, SaysThatContentCannotBeUsedWithoutShowingIt) {
  TlsPeer peer(ca_.issue({"127.0.0.1"}), "");
  RawServer server([&](RawConnection& connection, int) { peer.serve(connection); });
  const Result no_ca = get_with(server, {.ca_data = "swordfish"});
  ASSERT_FALSE(no_ca);
  EXPECT_EQ(no_ca.error().kind, Failure::Kind::invalid);
  EXPECT_EQ(message(no_ca), "https://" + host(server) + ": cannot read the CA certificates: they are not PEM");

  TlsOptions mixed = with_certificate(ca_.issue({"node-1"}));
  mixed.key_data = Secret(std::string_view(ca_.issue({"node-2"}).key_pem));
  const Result wrong_key = get_with(server, std::move(mixed));
  ASSERT_FALSE(wrong_key);
  EXPECT_EQ(wrong_key.error().kind, Failure::Kind::invalid);
  EXPECT_EQ(message(wrong_key), "https://" + host(server) +
                                    ": cannot use the client certificate: it is not PEM, or the key is not its own");
}

TEST_F(ClientLogin, MakesANewConnectionForARotatedCertificate) {
  TlsPeer peer(ca_.issue({"127.0.0.1"}), ca_.file());
  std::atomic<int> connections = 0;
  RawServer server([&](RawConnection& connection, int) {
    ++connections;
    peer.serve(connection);
  });
  const TlsOptions first = with_certificate(ca_.issue({"node-1"}));
  ASSERT_TRUE(get_with(server, first));
  ASSERT_TRUE(get_with(server, first));
  EXPECT_EQ(connections, 1);
  ASSERT_TRUE(get_with(server, with_certificate(ca_.issue({"node-1"}))));
  EXPECT_EQ(connections, 2);
}

TEST_F(ClientLogin, VerifiesTheServerNameAndAsksForTheUrlsHost) {
  TlsPeer peer(ca_.issue({"kubernetes.test"}), "");
  RawServer server([&](RawConnection& connection, int) { peer.serve(connection); });
  TlsOptions tls{.ca_data = ca_data_, .server_name = "kubernetes.test"};
  const Result result = get_with(server, tls);
  ASSERT_TRUE(result) << message(result);
  EXPECT_EQ(peer.server_name(), "kubernetes.test");
  EXPECT_TRUE(peer.request().starts_with("GET / HTTP/1.1\r\nHost: " + host(server) + "\r\n")) << peer.request();

  tls.server_name = "other.test";
  EXPECT_EQ(message(get_with(server, tls)),
            "https://" + host(server) +
                ": its certificate is not valid for the name \"other.test\": use a name that "
                "it has");
  EXPECT_FALSE(get_with(server, {.ca_data = ca_data_}));
}

TEST_F(ClientLogin, TakesAnAddressAsServerName) {
  TlsPeer peer(ca_.issue({"10.0.0.1", "fd00::1"}), "");
  RawServer server([&](RawConnection& connection, int) { peer.serve(connection); });
  for (const char* name : {"10.0.0.1", "fd00::1"}) {
    const Result result = get_with(server, {.ca_data = ca_data_, .server_name = name});
    EXPECT_TRUE(result) << message(result);
  }
}

TEST_F(ClientLogin, RefusesAServerNameThatIsNone) {
  RawServer server(testing::say_hello);
  for (const char* name : {"a/b", "a:1", "user@host", "a b", "a\r\nX: y"}) {
    const Result result = get_with(server, {.server_name = name});
    ASSERT_FALSE(result) << name;
    EXPECT_EQ(result.error().kind, Failure::Kind::invalid) << name;
  }
}

// Answers CONNECT and is then itself the host that was meant.
class TunnelEnd {
 public:
  TunnelEnd(TlsPeer& peer, std::string& connect)
      : server_([&](RawConnection& connection, int) {
          connect = connection.read_header();
          connection.write("HTTP/1.1 200 Connection established\r\n\r\n");
          peer.serve(connection);
        }) {}
  std::string url() const { return server_.url(); }

 private:
  RawServer server_;
};

TEST_F(ClientLogin, VerifiesTheServerNameBehindAProxy) {
  TlsPeer peer(ca_.issue({"kubernetes.test"}), "");
  std::string connect;
  const TunnelEnd proxy(peer, connect);
  Request request = request_for("https://10.96.0.1:6443/api");
  request.tls = {.ca_data = ca_data_, .server_name = "kubernetes.test"};
  request.proxy = proxy.url();
  const Result result = send(std::move(request));
  ASSERT_TRUE(result) << message(result);
  EXPECT_TRUE(connect.starts_with("CONNECT 10.96.0.1:6443 HTTP/1.1\r\n")) << connect;
  EXPECT_EQ(peer.server_name(), "kubernetes.test");
  EXPECT_TRUE(peer.request().starts_with("GET /api HTTP/1.1\r\nHost: 10.96.0.1:6443\r\n")) << peer.request();
}

TEST_F(ClientLogin, GoesPastTheProxyOfTheEnvironmentWhereItHasItsOwn) {
  RawServer server(testing::say_hello);
  Request direct = request_for(server.url("api.test"));
  EXPECT_FALSE(send(direct));
  direct.proxy = "";
  const Result result = send(std::move(direct));
  EXPECT_TRUE(result) << message(result);

  std::string seen;
  RawServer proxy([&](RawConnection& connection, int) {
    seen = connection.read_header();
    connection.write(testing::kHello);
  });
  Request proxied = request_for("http://127.0.0.1:1/api");  // the environment's would not be used for loopback
  proxied.proxy = "http://127.0.0.1:" + std::to_string(proxy.port());
  EXPECT_TRUE(send(std::move(proxied)));
  EXPECT_TRUE(seen.starts_with("GET http://127.0.0.1:1/api HTTP/1.1\r\n")) << seen;
}

TEST_F(ClientLogin, SaysThatItsOwnProxyIsNoUrlWithoutShowingIt) {
  Request request = request_for("https://10.96.0.1:6443/api");
  request.proxy = "ftp://user:swordfish@proxy/";
  const Result result = send(std::move(request));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, Failure::Kind::invalid);
  EXPECT_EQ(message(result),
            "https://10.96.0.1:6443: the proxy given for it is not the URL of a proxy (http://host:port)");
}

}  // namespace
}  // namespace shim::http
