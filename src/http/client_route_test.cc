// How a Client gets to a host: name look-ups, several addresses, proxies, unix sockets, its own queue.
#include <gtest/gtest.h>
#include <sys/un.h>

#include <atomic>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <latch>
#include <list>
#include <string>

#include "fake_registry/fake_registry.h"
#include "http/client.h"
#include "http/testing.h"

namespace shim::http {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using testing::LookUpTable;
using testing::message;
using testing::RawConnection;
using testing::RawServer;
using testing::request_for;
using testing::Result;

// A listener whose backlog is full: a connect to it gets no answer, as from a host that drops packets.
class BlackHole {
 public:
  explicit BlackHole(const char* address = "127.0.0.1", std::uint16_t port = 0)
      : listener_(RawServer::listen_at(address, port)) {
    ::listen(listener_, 0);
    testing::Tcp::endpoint endpoint;
    auto size = static_cast<socklen_t>(endpoint.capacity());
    ::getsockname(listener_, endpoint.data(), &size);
    port_ = endpoint.port();
    for (int& filler : fillers_) {
      filler = ::socket(endpoint.protocol().family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
      ::connect(filler, endpoint.data(), size);
    }
  }
  BlackHole(BlackHole&&) = delete;
  ~BlackHole() {
    for (const int filler : fillers_) ::close(filler);
    ::close(listener_);
  }
  std::uint16_t port() const { return port_; }
  std::string authority() const { return "127.0.0.1:" + std::to_string(port_); }

 private:
  int listener_;
  std::uint16_t port_ = 0;
  std::array<int, 4> fillers_{};
};

class ClientRoute : public ::testing::Test {
 protected:
  ClientRoute() { use({}); }
  void use(ProxyEnvironment proxies, std::size_t max_connections = 8) {
    ClientOptions options;
    options.look_up = names_.function();
    options.hosts_file = hosts_file_;
    options.max_connections_per_host = max_connections;
    options.proxies = std::move(proxies);
    client_ = std::make_unique<Client>(context_.get_executor(), std::move(options));
  }
  static ProxyEnvironment through(const std::string& proxy) {
    return {.http = Secret(std::string_view(proxy)), .https = Secret(std::string_view(proxy)), .all = {}, .none = {}};
  }
  Result get(const std::string& url, std::chrono::milliseconds timeout = 10s) {
    return testing::send(context_, *client_, request_for(url, timeout));
  }

  LookUpTable names_{{{"harbor.test", "127.0.0.1"},
                      {"dual.test", "::1 127.0.0.1"},
                      {"gone.test", "!Name or service not known"},
                      {"proxy.test", "127.0.0.1"}}};
  std::string hosts_file_ = "/no/such/file";
  asio::io_context context_{1};
  std::unique_ptr<Client> client_;
};

TEST_F(ClientRoute, GoesToTheAddressThatTheLookUpGives) {
  RawServer server(testing::say_hello);
  for (const char* host : {"harbor.test", "HARBOR.test"}) {
    const Result result = get(server.url(host));
    ASSERT_TRUE(result) << message(result);
    EXPECT_EQ(result->body, "hello");
  }
  EXPECT_EQ(names_.asked().size(), 1);
}

TEST_F(ClientRoute, GoesToANameWithAFinalDot) {
  names_.set("harbor.test.", "127.0.0.1");
  RawServer server(testing::say_hello);
  const Result result = get(server.url("harbor.test."));
  EXPECT_TRUE(result) << message(result);
}

TEST_F(ClientRoute, NeedsNoLookUpForAddressesAndLocalhost) {
  RawServer server(testing::say_hello);
  for (const char* host : {"127.0.0.1", "localhost", "registry.localhost"}) {
    const Result result = get(server.url(host));
    EXPECT_TRUE(result) << host << ": " << message(result);
  }
  EXPECT_TRUE(names_.asked().empty());
}

TEST_F(ClientRoute, GoesToAnIpv6Address) {
  RawServer server(testing::say_hello, "::1");
  const Result result = get(server.url("[::1]"));
  EXPECT_TRUE(result) << message(result);
}

TEST_F(ClientRoute, SaysWhyANameCannotBeResolved) {
  const Result result = get("http://gone.test:5000/");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, Failure::Kind::unreachable);
  EXPECT_EQ(message(result), "http://gone.test:5000: cannot resolve gone.test: Name or service not known");
}

TEST_F(ClientRoute, SaysThatTheNameServerDidNotAnswer) {
  const Result result = get("http://hang.test:5000/", 20ms);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, Failure::Kind::timed_out);
  EXPECT_EQ(message(result),
            "http://hang.test:5000: cannot resolve hang.test: no answer of the name server within 20ms");
}

TEST_F(ClientRoute, ForgetsAnOldAddressWhenTheNameMoves) {
  RawServer old(
      [](RawConnection& connection, int) {
        connection.read_header();
        connection.write("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nold");
      },
      "127.0.0.2");
  RawServer moved(testing::say_hello, "127.0.0.3", old.port());
  names_.set("harbor.test", "127.0.0.2");
  EXPECT_EQ(get(old.url("harbor.test"))->body, "old");
  names_.set("harbor.test", "127.0.0.3");
  names_.set("harbor.test.", "127.0.0.3");
  // libcurl's own cache knows both spellings as one; ours does not, so this is a fresh look-up.
  EXPECT_EQ(get(old.url("harbor.test."))->body, "hello");
}

TEST_F(ClientRoute, TriesTheNextAddressWhereTheFirstIsRefused) {
  RawServer server(testing::say_hello);
  const Result result = get(server.url("dual.test"));
  EXPECT_TRUE(result) << message(result);
}

TEST_F(ClientRoute, TriesIpv4BesideAnIpv6ThatDoesNotAnswer) {
  RawServer server(testing::say_hello);
  const BlackHole dead("::1", server.port());
  const Result result = get(server.url("dual.test"), 2s);
  EXPECT_TRUE(result) << message(result);
}

TEST_F(ClientRoute, SaysThatThereWasNoConnection) {
  const BlackHole dead;
  const Result result = get("http://" + dead.authority() + "/", 50ms);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, Failure::Kind::timed_out);
  EXPECT_EQ(message(result), "http://" + dead.authority() + ": no connection to " + dead.authority() + " within 50ms");
}

TEST_F(ClientRoute, DoesNotWaitForNamesThatHang) {
  const std::string hosts = ::testing::TempDir() + "hosts-" + std::to_string(::getpid());
  std::ofstream(hosts) << "127.0.0.1 sealos.hub\n";
  hosts_file_ = hosts;
  use({});
  RawServer server(testing::say_hello);
  ASSERT_TRUE(get(server.url("harbor.test")));

  int ended = 0;
  for (int i = 0; i < 20; ++i) {
    asio::co_spawn(context_, client_->request(request_for("http://dead" + std::to_string(i) + ".test/", 60s)),
                   [&](std::exception_ptr, const Result&) { ++ended; });
  }
  context_.restart();
  while (names_.hanging() < 11) context_.poll();
  const auto threads = std::distance(std::filesystem::directory_iterator("/proc/self/task"), {});

  auto longest = 0ns;
  auto last = std::chrono::steady_clock::now();
  asio::steady_timer tick(context_);
  std::function<void(boost::system::error_code)> measure = [&](boost::system::error_code error) {
    if (error) return;
    const auto now = std::chrono::steady_clock::now();
    longest = std::max<std::chrono::nanoseconds>(longest, now - last);
    last = now;
    tick.expires_after(1ms);
    tick.async_wait(measure);
  };
  measure({});
  for (int round = 0; round < 50; ++round) {
    for (const char* host : {"127.0.0.1", "harbor.test", "sealos.hub"}) {
      const Result result = get(server.url(host), 5s);
      ASSERT_TRUE(result) << message(result);
    }
  }
  EXPECT_EQ(ended, 0);
  EXPECT_LE(threads, 16 + 4);  // the test's own, the server's two, and one of a sanitizer
  RecordProperty("longest_gap_us", static_cast<int>(longest / 1us));
  printf("150 requests while 20 names hang: %td threads, longest gap of a 1 ms timer %.1f ms\n", threads,
         static_cast<double>(longest / 1us) / 1000);

  const auto before = std::chrono::steady_clock::now();
  client_.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - before, 1s);
  tick.cancel();
  context_.restart();
  while (ended < 20) context_.run_one();
  std::filesystem::remove(hosts);
}

TEST_F(ClientRoute, SendsPlainHttpThroughTheProxy) {
  std::string seen;
  RawServer proxy([&](RawConnection& connection, int) {
    seen = connection.read_header();
    connection.write(testing::kHello);
  });
  use(through("http://user:s%65cret@proxy.test:" + std::to_string(proxy.port())));
  const Result result = get("http://registry.invalid:5000/v2/");
  ASSERT_TRUE(result) << message(result);
  EXPECT_TRUE(seen.starts_with("GET http://registry.invalid:5000/v2/ HTTP/1.1\r\n")) << seen;
  EXPECT_NE(seen.find("Proxy-Authorization: Basic dXNlcjpzZWNyZXQ=\r\n"), std::string::npos) << seen;
  EXPECT_EQ(names_.asked(), std::vector<std::string>{"proxy.test"});
}

TEST_F(ClientRoute, TunnelsTlsThroughTheProxyWithoutTheRequestsFields) {
  std::string seen;
  RawServer proxy([&](RawConnection& connection, int) {
    seen = connection.read_header();
    connection.write("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n");
  });
  use(through("http://user:secret@proxy.test:" + std::to_string(proxy.port())));
  Request request = request_for("https://registry.invalid/v2/");
  request.authorization = Secret("Basic of-the-registry");
  const Result result = testing::send(context_, *client_, std::move(request));
  ASSERT_FALSE(result);
  EXPECT_TRUE(seen.starts_with("CONNECT registry.invalid:443 HTTP/1.1\r\n")) << seen;
  EXPECT_EQ(seen.find("of-the-registry"), std::string::npos);
  EXPECT_EQ(result.error().kind, Failure::Kind::unreachable);
  EXPECT_TRUE(message(result).starts_with(
      "https://registry.invalid:443: the proxy http://proxy.test:" + std::to_string(proxy.port()) + " answered 407"))
      << message(result);
  EXPECT_EQ(message(result).find("secret"), std::string::npos);
}

TEST_F(ClientRoute, SaysThatTheProxyIsNotThere) {
  use(through("http://user:secret@gone.test:3128"));
  EXPECT_EQ(message(get("https://registry.invalid/")),
            "https://registry.invalid:443: cannot resolve the proxy gone.test: Name or service not known");
  const BlackHole dead;
  use(through("http://user:secret@" + dead.authority()));
  EXPECT_EQ(message(get("https://registry.invalid/", 50ms)),
            "https://registry.invalid:443: no connection to the proxy " + dead.authority() + " within 50ms");
}

TEST_F(ClientRoute, LetsASocksProxyLookTheNameUp) {
  std::promise<std::string> asked;
  RawServer proxy([&](RawConnection& connection, int) {
    char greeting[16];
    if (::recv(connection.socket(), greeting, sizeof greeting, 0) <= 0) return;
    connection.write(std::string("\x05\x00", 2));
    char bytes[256];
    const auto count = ::recv(connection.socket(), bytes, sizeof bytes, 0);
    asked.set_value({bytes, static_cast<std::size_t>(std::max<ssize_t>(count, 0))});
  });
  use(through("socks5://proxy.test:" + std::to_string(proxy.port())));
  EXPECT_FALSE(get("http://registry.invalid/"));
  EXPECT_NE(asked.get_future().get().find("registry.invalid"), std::string::npos);
  EXPECT_EQ(names_.asked(), std::vector<std::string>{"proxy.test"});
}

TEST_F(ClientRoute, DoesNotLetLibcurlReadTheEnvironment) {
  RawServer server(testing::say_hello);
  for (const char* name : {"http_proxy", "all_proxy"}) setenv(name, "http://127.0.0.1:1", 1);
  EXPECT_TRUE(get(server.url("harbor.test")));
  for (const char* name : {"http_proxy", "all_proxy"}) unsetenv(name);

  use(through("http://proxy.test:" + std::to_string(server.port())));
  setenv("no_proxy", "registry.invalid", 1);
  const Result result = get("http://registry.invalid/");
  unsetenv("no_proxy");
  EXPECT_TRUE(result) << message(result);
}

TEST_F(ClientRoute, NeedsNeitherLookUpNorProxyForAUnixSocket) {
  const std::string path = ::testing::TempDir() + "client-route-" + std::to_string(::getpid()) + ".sock";
  const int listener = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(listener, 8), 0);
  std::string seen;
  RawServer server(listener, [&](RawConnection& connection, int) {
    seen = connection.read_header();
    connection.write(testing::kHello);
  });
  use(through("http://proxy.test:1"));
  Request request = request_for("http://shim.invalid/resolve");
  request.unix_socket = path;
  const Result result = testing::send(context_, *client_, std::move(request));
  ASSERT_TRUE(result) << message(result);
  EXPECT_TRUE(seen.starts_with("GET /resolve HTTP/1.1\r\nHost: shim.invalid\r\n")) << seen;
  EXPECT_TRUE(names_.asked().empty());
  std::filesystem::remove(path);

  request = request_for("http://shim.invalid/resolve");
  request.unix_socket = path;
  EXPECT_FALSE(testing::send(context_, *client_, std::move(request)));
}

TEST_F(ClientRoute, SaysThatNoConnectionBecameFree) {
  use({}, 1);
  RawServer server([](RawConnection& connection, int) { connection.wait_for_close(); });
  std::optional<Result> first;
  asio::co_spawn(context_, client_->request(request_for(server.url(), 10s)),
                 [&](std::exception_ptr, Result done) { first = std::move(done); });
  const Result second = get(server.url(), 30ms);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind, Failure::Kind::queued);
  EXPECT_EQ(message(second), "http://127.0.0.1:" + std::to_string(server.port()) +
                                 ": no connection to it became free within 30ms: other requests were using them");
  EXPECT_FALSE(first);
}

TEST_F(ClientRoute, GivesTheTimeWithoutTheQueueToThePeer) {
  use({}, 1);
  RawServer server([](RawConnection& connection, int) { connection.wait_for_close(); });
  asio::co_spawn(context_, client_->request(request_for(server.url(), 100ms)),
                 [](std::exception_ptr, const Result&) {});
  const Result second = get(server.url(), 400ms);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind, Failure::Kind::timed_out);
  EXPECT_LT(second.error().time_given, 350ms);
}

TEST_F(ClientRoute, ACancelledRequestLeavesTheQueue) {
  use({}, 1);
  std::latch is_cancelled(1);  // until then, the first request has the only turn
  RawServer server([&](testing::RawConnection& connection, int number) {
    is_cancelled.wait();
    testing::say_hello(connection, number);
  });
  std::optional<Result> first;
  std::optional<Result> second;
  asio::cancellation_signal cancel;
  asio::co_spawn(context_, client_->request(request_for(server.url())),
                 [&](std::exception_ptr, Result done) { first = std::move(done); });
  asio::co_spawn(context_, client_->request(request_for(server.url())),
                 asio::bind_cancellation_slot(cancel.slot(), [&](std::exception_ptr error, Result done) {
                   ASSERT_FALSE(error);
                   second = std::move(done);
                 }));
  context_.poll();
  cancel.emit(asio::cancellation_type::terminal);
  is_cancelled.count_down();
  const Result third = get(server.url());
  EXPECT_TRUE(third) << message(third);
  ASSERT_TRUE(first && second);
  EXPECT_TRUE(*first);
  ASSERT_FALSE(*second);
  EXPECT_EQ(second->error().kind, Failure::Kind::cancelled);
}

}  // namespace
}  // namespace shim::http
