#include "observe/http_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace shim::observe {
namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;
using namespace std::chrono_literals;
using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;
using LocalProtocol = asio::local::stream_protocol;

constexpr std::string_view kHello = "GET /hello HTTP/1.1\r\nHost: shim\r\n\r\n";

asio::awaitable<Answer> say_hello(Request request) {
  co_return Answer{200, "text/plain", "hello " + request.parameter("name").value_or("you")};
}

asio::awaitable<Answer> fail_hard(Request) {
  throw std::runtime_error("the inside");
  co_return Answer{};
}

asio::awaitable<Answer> wait_for_ever(Request) {
  asio::steady_timer never(co_await asio::this_coro::executor, asio::steady_timer::time_point::max());
  co_await never.async_wait(asio::use_awaitable);
  co_return Answer{};
}

asio::awaitable<Answer> say_much(Request) {
  co_return Answer{200, "text/plain", std::string(8 << 20, 'x')};
}

// A client that does what it is told, on a socket that does not block.
class Client {
 public:
  Client(asio::io_context& context, int connected) : context_(context), socket_(connected) {}
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client() { ::close(socket_); }

  // True where all of it was taken.
  bool send(std::string_view text) {
    return ::send(socket_, text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL) == static_cast<ssize_t>(text.size());
  }
  void end() { ::shutdown(socket_, SHUT_WR); }
  // Takes what there is; true while the server has not closed.
  bool read() {
    char buffer[65536];
    const ssize_t size = ::recv(socket_, buffer, sizeof(buffer), MSG_DONTWAIT);
    if (size > 0) received.append(buffer, static_cast<std::size_t>(size));
    return size > 0 || (size < 0 && errno == EAGAIN);
  }
  // All that comes until the server closes.
  const std::string& read_all() {
    const auto end = std::chrono::steady_clock::now() + 10s;
    while (read() && std::chrono::steady_clock::now() < end) context_.run_one_for(10ms);
    return received;
  }

  std::string received;

 private:
  asio::io_context& context_;
  int socket_;
};

class AServer : public testing::Test {
 protected:
  AServer() {
    std::string name = fs::temp_directory_path() / "ics-http.XXXXXX";
    folder_ = ::mkdtemp(name.data());
    path_ = folder_ / "a.sock";
    acceptor_ = std::make_unique<LocalProtocol::acceptor>(context_, LocalProtocol::endpoint(path_));
  }
  ~AServer() override {
    server_.reset();
    fs::remove_all(folder_);
  }

  void start(HttpServer::Limits limits = {}) {
    Router router;
    router.add("/hello", say_hello);
    router.add("/fails", fail_hard);
    router.add("/waits", wait_for_ever);
    router.add("/much", say_much);
    server_ = std::make_unique<HttpServer>(std::move(router), limits);
    server_->serve(*acceptor_);
  }
  std::unique_ptr<Client> connect() {
    const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const LocalProtocol::endpoint endpoint(path_);
    EXPECT_EQ(::connect(socket, endpoint.data(), static_cast<socklen_t>(endpoint.size())), 0);
    return std::make_unique<Client>(context_, socket);
  }
  std::string answer_to(std::string_view request) {
    const auto client = connect();
    client->send(request);
    return client->read_all();
  }
  void run_until(const std::function<bool()>& condition) {
    const auto end = std::chrono::steady_clock::now() + 10s;
    while (!condition() && std::chrono::steady_clock::now() < end) context_.run_one_for(10ms);
    EXPECT_TRUE(condition());
  }

  asio::io_context context_{1};
  fs::path folder_;
  std::string path_;
  std::unique_ptr<LocalProtocol::acceptor> acceptor_;
  std::unique_ptr<HttpServer> server_;
};

TEST_F(AServer, AnswersAGet) {
  start();
  EXPECT_THAT(answer_to("GET /hello?name=a%20b HTTP/1.1\r\nHost: shim\r\n\r\n"),
              AllOf(StartsWith("HTTP/1.1 200 OK\r\n"), HasSubstr("Content-Type: text/plain\r\n"),
                    HasSubstr("Connection: close\r\n"), EndsWith("\r\n\r\nhello a b")));
  run_until([&] { return server_->connections() == 0; });
}

TEST_F(AServer, AnswersOverTcpToo) {
  asio::ip::tcp::acceptor acceptor(context_, {asio::ip::address_v4::loopback(), 0});
  start();
  server_->serve(acceptor);
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const auto endpoint = acceptor.local_endpoint();
  ASSERT_EQ(::connect(socket, endpoint.data(), static_cast<socklen_t>(endpoint.size())), 0);
  Client client(context_, socket);
  client.send(kHello);
  EXPECT_THAT(client.read_all(), EndsWith("hello you"));
}

TEST_F(AServer, AnswersWhoSendsInPieces) {
  start();
  const auto client = connect();
  for (const char octet : kHello) {
    client->send({&octet, 1});
    context_.poll();
  }
  EXPECT_THAT(client->read_all(), EndsWith("hello you"));
}

TEST_F(AServer, AnswersWhoHasClosedItsSide) {
  start();
  const auto client = connect();
  client->send("GET /hello HTTP/1.0\r\n\r\n");
  client->end();
  EXPECT_THAT(client->read_all(), EndsWith("hello you"));
}

TEST_F(AServer, KnowsOnlyItsPaths) {
  start();
  EXPECT_THAT(answer_to("GET /none HTTP/1.1\r\n\r\n"), AllOf(StartsWith("HTTP/1.1 404 "), HasSubstr("/hello")));
}

TEST_F(AServer, KnowsOnlyGet) {
  start();
  EXPECT_THAT(answer_to("DELETE /hello HTTP/1.1\r\n\r\n"),
              AllOf(StartsWith("HTTP/1.1 405 "), HasSubstr("Allow: GET\r\n")));
  EXPECT_THAT(answer_to("POST /hello HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc"), StartsWith("HTTP/1.1 405 "));
}

TEST_F(AServer, TakesNoBody) {
  start();
  EXPECT_THAT(answer_to("GET /hello HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc"), StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(answer_to("GET /hello HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"),
              StartsWith("HTTP/1.1 413 "));
}

TEST_F(AServer, RefusesWhatIsNoRequest) {
  start();
  for (const std::string garbage :
       {"hello\r\n\r\n", "GET /hello\r\n\r\n", "GET /hello HTTP/9.9\r\n\r\n", "\x16\x03\x01\x02",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "GET hello HTTP/1.1\r\n\r\n"}) {
    EXPECT_THAT(answer_to(garbage + "\r\n\r\n"), StartsWith("HTTP/1.1 400 ")) << garbage;
  }
}

TEST_F(AServer, RefusesAHeadThatIsTooLong) {
  start({.max_head_bytes = 1024});
  EXPECT_THAT(answer_to("GET /hello HTTP/1.1\r\nX: " + std::string(2000, 'x') + "\r\n\r\n"),
              StartsWith("HTTP/1.1 431 "));
  EXPECT_THAT(answer_to("GET /" + std::string(2000, 'x') + " HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 431 "));
}

TEST_F(AServer, RefusesEndlessFields) {
  start();
  const auto client = connect();
  client->send("GET /hello HTTP/1.1\r\n");
  const std::string fields = "X-Padding: " + std::string(1000, 'x') + "\r\n";
  run_until([&] {
    client->send(fields);
    client->read();
    return !client->received.empty();
  });
  EXPECT_THAT(client->received, StartsWith("HTTP/1.1 431 "));
}

TEST_F(AServer, EndsWithWhoSendsNothing) {
  start({.arriving_time = 20ms});
  EXPECT_EQ(connect()->read_all(), "");
  run_until([&] { return server_->connections() == 0; });
}

TEST_F(AServer, EndsWithWhoSendsHalfARequest) {
  start({.arriving_time = 20ms});
  EXPECT_EQ(answer_to("GET /hello HTTP/1.1\r\nHost:"), "");
  run_until([&] { return server_->connections() == 0; });
}

TEST_F(AServer, EndsWithWhoNeverReadsItsAnswer) {
  start({.sending_time = 20ms});
  const auto client = connect();
  client->send("GET /much HTTP/1.1\r\n\r\n");
  run_until([&] { return server_->connections() == 1; });
  run_until([&] { return server_->connections() == 0; });
}

TEST_F(AServer, EndsWithWhoGoesAway) {
  start();
  auto client = connect();
  client->send("GET /hel");
  run_until([&] { return server_->connections() == 1; });
  client.reset();
  run_until([&] { return server_->connections() == 0; });
}

TEST_F(AServer, AnswersLargeOnesWhole) {
  start();
  EXPECT_GT(answer_to("GET /much HTTP/1.1\r\n\r\n").size(), 8U << 20);
}

TEST_F(AServer, TurnsAwayWhoIsOneTooMany) {
  start({.max_connections = 2});
  const auto first = connect();
  const auto second = connect();
  run_until([&] { return server_->connections() == 2; });

  EXPECT_THAT(answer_to(kHello), StartsWith("HTTP/1.1 503 "));

  first->send(kHello);
  EXPECT_THAT(first->read_all(), EndsWith("hello you"));
  EXPECT_THAT(answer_to(kHello), EndsWith("hello you")) << "there is room again";
}

TEST_F(AServer, CutsAHandlerThatTakesTooLong) {
  start({.handling_time = 20ms});
  EXPECT_THAT(answer_to("GET /waits HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 504 "));
}

TEST_F(AServer, ShowsNothingOfAHandlersException) {
  start();
  EXPECT_THAT(answer_to("GET /fails HTTP/1.1\r\n\r\n"),
              AllOf(StartsWith("HTTP/1.1 500 "), testing::Not(HasSubstr("the inside"))));
}

TEST_F(AServer, MayGoWhileItAnswers) {
  start();
  const auto client = connect();
  client->send("GET /waits HTTP/1.1\r\n\r\n");
  run_until([&] { return server_->connections() == 1; });
  server_.reset();
  acceptor_->close();
  context_.run_for(1ms);
}

}  // namespace
}  // namespace shim::observe
