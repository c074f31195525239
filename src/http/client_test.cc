#include "http/client.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "fake_registry/fake_registry.h"

namespace shim::http {
namespace {

namespace asio = boost::asio;
using Result = std::expected<Response, Failure>;
using test::FakeRegistry;
using test::Fault;

constexpr const char* kPath = "/v2/library/nginx/manifests/1.25";

class HttpClient : public testing::Test {
 protected:
  Result send(Request request) {
    std::optional<Result> result;
    asio::co_spawn(context_, client_.request(std::move(request)), [&](std::exception_ptr, Result done) {
      result = std::move(done);
      context_.stop();  // kept connections leave waits behind
    });
    context_.restart();
    context_.run();
    return std::move(*result);
  }
  Result get(const std::string& url) { return send(request_for(url)); }
  static Request request_for(std::string url) {
    Request request;
    request.url = std::move(url);
    request.timeout = std::chrono::seconds(10);
    return request;
  }
  static std::string message(const Result& result) { return result ? "no failure" : result.error().message; }

  asio::io_context context_{1};
  Client client_{context_.get_executor()};
};

// A port at which nobody listens, or which accepts no connection, for as long as this lives.
class TakenPort {
 public:
  explicit TakenPort(asio::io_context& context) : socket_(context, asio::ip::tcp::v4()) {
    socket_.bind({asio::ip::address_v4::loopback(), 0});
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(socket_.local_endpoint().port()) + "/"; }

 private:
  asio::ip::tcp::socket socket_;
};

TEST_F(HttpClient, GivesStatusHeadersAndBody) {
  FakeRegistry registry;
  registry.put_manifest("library/nginx", "1.25");
  const Result result = get(registry.url() + kPath);
  ASSERT_TRUE(result) << message(result);
  EXPECT_EQ(result->status, 200);
  EXPECT_EQ(result->headers.find("content-TYPE"), test::image_manifest().media_type);
  EXPECT_EQ(result->body, test::image_manifest().body);
  EXPECT_GT(result->elapsed.count(), 0);
}

TEST_F(HttpClient, SaysWhoItIs) {
  FakeRegistry registry;
  ASSERT_TRUE(get(registry.url() + kPath));
  EXPECT_TRUE(registry.requests()[0].user_agent.starts_with("image-cri-shim/"));
}

TEST_F(HttpClient, SendsHeadersTheSecretAndAForm) {
  FakeRegistry registry;
  Request request = request_for(registry.url() + "/token");
  request.method = Method::post;
  request.headers.add("Accept", "text/plain");
  request.authorization = Secret("Basic abc");
  request.content_type = "application/x-www-form-urlencoded";
  request.body = Secret("grant_type=refresh_token");
  ASSERT_TRUE(send(std::move(request)));
  const auto seen = registry.requests()[0];
  EXPECT_EQ(seen.method, "POST");
  EXPECT_EQ(seen.accept, "text/plain");
  EXPECT_EQ(seen.authorization, "Basic abc");
  EXPECT_EQ(seen.body, "grant_type=refresh_token");
}

TEST_F(HttpClient, UsesOneConnectionForManyRequests) {
  FakeRegistry registry;
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(get(registry.url() + kPath));
  EXPECT_EQ(registry.requests().back().connection, 1);
}

TEST_F(HttpClient, LeavesRedirectsToItsCaller) {
  FakeRegistry registry;
  registry.set_fault("*", {.kind = Fault::Kind::redirect, .location = "http://elsewhere.test/"});
  const Result result = get(registry.url() + kPath);
  ASSERT_TRUE(result) << message(result);
  EXPECT_EQ(result->status, 307);
  EXPECT_EQ(result->headers.find("Location"), "http://elsewhere.test/");
}

TEST_F(HttpClient, StopsAtTheLimitOfTheBody) {
  FakeRegistry registry;
  registry.put_manifest("library/nginx", "1.25");
  registry.set_fault("*", {.kind = Fault::Kind::endless_body});
  const Result result = get(registry.url() + kPath);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, Failure::Kind::too_large);
  EXPECT_EQ(message(result), registry.url() + ": the body of its answer is longer than 4194304 bytes");
}

TEST_F(HttpClient, StopsAtTheLimitOfTheHeader) {
  FakeRegistry registry;
  registry.put_manifest("library/nginx", "1.25");
  registry.set_fault("*", {.kind = Fault::Kind::endless_header});
  const Result result = get(registry.url() + kPath);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, Failure::Kind::too_large);
}

TEST_F(HttpClient, SaysInWhichPhaseTheTimeWasUp) {
  FakeRegistry registry;
  registry.put_manifest("library/nginx", "1.25");
  registry.set_fault("*", {.kind = Fault::Kind::hang});
  Request request = request_for(registry.url() + kPath);
  request.timeout = std::chrono::milliseconds(50);
  const Result result = send(std::move(request));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, Failure::Kind::timed_out);
  EXPECT_EQ(message(result), registry.url() + ": connected to " + registry.host() + ", but no answer within 50ms");
  EXPECT_EQ(result.error().time_given, std::chrono::milliseconds(50));
}

TEST_F(HttpClient, WithoutTimeLeftDoesNotAsk) {
  FakeRegistry registry;
  Request request = request_for(registry.url() + kPath);
  request.timeout = std::chrono::milliseconds(0);
  const Result result = send(std::move(request));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, Failure::Kind::timed_out);
  EXPECT_TRUE(registry.requests().empty());
}

TEST_F(HttpClient, SaysThatAConnectionWasRefused) {
  const TakenPort port(context_);
  const Result result = get(port.url());
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, Failure::Kind::unreachable);
  EXPECT_TRUE(message(result).ends_with(": connection refused")) << message(result);
}

TEST_F(HttpClient, SaysThatAConnectionWasLost) {
  FakeRegistry registry;
  registry.put_manifest("library/nginx", "1.25");
  registry.set_fault("*", {.kind = Fault::Kind::reset});
  const Result result = get(registry.url() + kPath);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, Failure::Kind::unreachable);
  EXPECT_TRUE(message(result).starts_with(registry.url() + ": connection lost")) << message(result);
}

TEST_F(HttpClient, RefusesLineBreaksInHeaderFields) {
  FakeRegistry registry;
  Request request = request_for(registry.url() + kPath);
  request.authorization = Secret("Bearer x\r\nX-Smuggled: 1");
  const Result result = send(std::move(request));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, Failure::Kind::invalid);
  EXPECT_EQ(message(result).find("Smuggled"), std::string::npos);
  EXPECT_TRUE(registry.requests().empty());
}

TEST_F(HttpClient, RefusesOtherProtocolsAndUserInfo) {
  for (const char* url : {"file:///etc/passwd", "ftp://127.0.0.1/", "http://user:secret@127.0.0.1/", "/relative", ""}) {
    const Result result = get(url);
    ASSERT_FALSE(result) << url;
    EXPECT_EQ(result.error().kind, Failure::Kind::invalid) << url;
    EXPECT_EQ(message(result).find("secret"), std::string::npos) << url;
  }
}

TEST_F(HttpClient, AbortsTheTransferOfACancelledCoroutineAtOnce) {
  FakeRegistry registry;
  registry.put_manifest("library/nginx", "1.25");
  registry.set_fault("*", {.kind = Fault::Kind::hang});
  asio::cancellation_signal cancel;
  std::optional<Result> result;
  asio::co_spawn(context_, client_.request(request_for(registry.url() + kPath)),
                 asio::bind_cancellation_slot(cancel.slot(), [&](std::exception_ptr, Result done) {
                   result = std::move(done);
                   context_.stop();
                 }));
  while (registry.requests().empty()) context_.run_one();
  cancel.emit(asio::cancellation_type::terminal);
  context_.run();
  ASSERT_TRUE(result);
  ASSERT_FALSE(*result);
  EXPECT_EQ(result->error().kind, Failure::Kind::cancelled);
  registry.wait_for_closed_connection();
}

TEST(HttpClientLifetime, ARequestInProgressMayOutliveTheClientAndTheLoop) {
  FakeRegistry registry;
  registry.put_manifest("library/nginx", "1.25");
  registry.set_fault("*", {.kind = Fault::Kind::hang});
  asio::io_context context{1};
  {
    Client client(context.get_executor());
    Request request;
    request.url = registry.url() + kPath;
    asio::co_spawn(context, client.request(std::move(request)), [](std::exception_ptr, const Result&) {});
    while (registry.requests().empty()) context.run_one();
  }
}

TEST_F(HttpClient, AsksManyAtOnceWithinItsConnectionsPerHost) {
  FakeRegistry registry;
  registry.put_manifest("library/nginx", "1.25");
  constexpr int kRequests = 50;
  int answered = 0;
  for (int i = 0; i < kRequests; ++i) {
    asio::co_spawn(context_, client_.request(request_for(registry.url() + kPath)),
                   [&](std::exception_ptr, const Result& result) {
                     EXPECT_TRUE(result && result->status == 200) << message(result);
                     if (++answered == kRequests) context_.stop();
                   });
  }
  context_.run();
  EXPECT_EQ(answered, kRequests);
  for (const auto& request : registry.requests()) EXPECT_LE(request.connection, 8);
}

class TlsClient : public HttpClient {
 protected:
  Result get_with(const FakeRegistry& registry, const TlsOptions& tls) {
    Request request = request_for(registry.url() + kPath);
    request.tls = tls;
    return send(std::move(request));
  }
  static test::FakeRegistryOptions serving(test::Certificate certificate) {
    test::FakeRegistryOptions options;
    options.tls = std::move(certificate);
    return options;
  }

  test::TestCa ca_;
  TlsOptions trusting_{.ca = ca_.file()};
};

TEST_F(TlsClient, TrustsTheAuthorityInCa) {
  FakeRegistry registry(serving(ca_.issue({"127.0.0.1"})));
  const Result result = get_with(registry, trusting_);
  ASSERT_TRUE(result) << message(result);
}

TEST_F(TlsClient, DoesNotTrustAnUnknownAuthority) {
  FakeRegistry registry(serving(ca_.issue({"127.0.0.1"})));
  const Result result = get_with(registry, {});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, Failure::Kind::tls);
  EXPECT_EQ(message(result), registry.url() +
                                 ": its certificate is signed by an unknown authority: set tls.ca to that authority's "
                                 "certificate");
}

TEST_F(TlsClient, DoesNotTrustAnotherAuthorityOfTheSameName) {
  const test::TestCa other;
  FakeRegistry registry(serving(other.issue({"127.0.0.1"})));
  const Result result = get_with(registry, trusting_);
  ASSERT_FALSE(result);
  EXPECT_NE(message(result).find("another key: is tls.ca up to date?"), std::string::npos) << message(result);
}

TEST_F(TlsClient, DoesNotReuseAConnectionOfOtherTlsOptions) {
  FakeRegistry registry(serving(ca_.issue({"127.0.0.1"})));
  ASSERT_TRUE(get_with(registry, trusting_));
  EXPECT_FALSE(get_with(registry, {}));
}

TEST_F(TlsClient, RefusesACertificateForAnotherName) {
  FakeRegistry registry(serving(ca_.issue({"harbor.local"})));
  const Result result = get_with(registry, trusting_);
  ASSERT_FALSE(result);
  EXPECT_NE(message(result).find("not valid for the name \"127.0.0.1\""), std::string::npos) << message(result);
}

TEST_F(TlsClient, RefusesAnExpiredCertificate) {
  FakeRegistry registry(serving(ca_.issue({"127.0.0.1"}, test::Validity::expired)));
  const Result result = get_with(registry, trusting_);
  ASSERT_FALSE(result);
  EXPECT_NE(message(result).find("certificate has expired"), std::string::npos) << message(result);
}

TEST_F(TlsClient, VerifiesNothingWhereToldSo) {
  FakeRegistry registry(serving(ca_.issue({"harbor.local"}, test::Validity::expired)));
  TlsOptions options;
  options.insecure_skip_verify = true;
  const Result result = get_with(registry, options);
  EXPECT_TRUE(result) << message(result);
}

TEST_F(TlsClient, SaysWhichCaFileItCannotRead) {
  FakeRegistry registry(serving(ca_.issue({"127.0.0.1"})));
  const Result result = get_with(registry, TlsOptions{.ca = "/no/such/ca.pem"});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, Failure::Kind::invalid);
  EXPECT_NE(message(result).find("/no/such/ca.pem"), std::string::npos) << message(result);
}

TEST_F(TlsClient, SaysHowToWriteTheAddressOfAPlainHttpRegistry) {
  FakeRegistry plain;
  const std::string host = plain.host();
  const Result result = get("https://" + host + kPath);
  ASSERT_FALSE(result);
  EXPECT_EQ(message(result), "https://" + host + ": answered plain HTTP: write http://" + host + " in the address");
}

}  // namespace
}  // namespace shim::http
