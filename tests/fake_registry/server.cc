#include "fake_registry/server.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ssl/impl/src.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <string>
#include <utility>

#include "fake_registry/control.h"

namespace shim::test {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;

namespace {

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
constexpr std::string_view kBadRequest = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
constexpr std::string_view kTlsWanted =
    "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";

tcp::endpoint endpoint_of(const std::string& listen) {
  const auto colon = listen.rfind(':');
  return {asio::ip::make_address(listen.substr(0, colon)),
          static_cast<unsigned short>(std::stoul(listen.substr(colon + 1)))};
}

RecordedRequest recorded(const http::request<http::string_body>& request, int connection) {
  auto field = [&](http::field name) { return std::string(request[name]); };
  return {.connection = connection,
          .method = std::string(request.method_string()),
          .target = std::string(request.target()),
          .host = field(http::field::host),
          .authorization = field(http::field::authorization),
          .accept = field(http::field::accept),
          .user_agent = field(http::field::user_agent),
          .body = request.body()};
}

template <class Stream>
asio::awaitable<void> write_for_ever(Stream& stream, std::string start, std::string piece) {
  auto [failed, size] = co_await asio::async_write(stream, asio::buffer(start), kTuple);
  while (!failed) std::tie(failed, size) = co_await asio::async_write(stream, asio::buffer(piece), kTuple);
}

}  // namespace

FakeServer::FakeServer(const FakeRegistryOptions& options)
    : acceptor_(context_, endpoint_of(options.listen)), endpoint_(acceptor_.local_endpoint()), protocol_(options) {
  if (options.tls) {
    tls_.emplace(asio::ssl::context::tls_server);
    tls_->use_certificate(asio::buffer(options.tls->certificate_pem), asio::ssl::context::pem);
    tls_->use_private_key(asio::buffer(options.tls->key_pem), asio::ssl::context::pem);
  }
  asio::co_spawn(context_, accept(), asio::detached);
  thread_ = std::thread([this] { context_.run(); });
}

FakeServer::~FakeServer() {
  context_.stop();
  thread_.join();
}

void FakeServer::wait_for_requests(std::size_t count) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return protocol_.requests.size() >= count; });
}

void FakeServer::wait_for_closed_connection() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return closed_connections_ > 0; });
}

void FakeServer::count_closed_connection() {
  const std::lock_guard lock(mutex_);
  ++closed_connections_;
  changed_.notify_all();
}

Answer FakeServer::answer(const RecordedRequest& request) {
  const std::lock_guard lock(mutex_);
  if (request.target.starts_with(kControlPath)) return control(protocol_, request);
  protocol_.requests.push_back(request);
  changed_.notify_all();
  return protocol_.answer(request);
}

asio::awaitable<void> FakeServer::accept() {
  for (int connection = 1;; ++connection) {
    auto [failed, socket] = co_await acceptor_.async_accept(kTuple);
    if (failed) co_return;
    asio::co_spawn(context_, serve(std::move(socket), connection), asio::detached);
  }
}

asio::awaitable<void> FakeServer::serve(tcp::socket socket, int connection) {
  socket.set_option(tcp::no_delay(true));
  if (!tls_) co_return co_await serve_requests(socket, connection);
  asio::ssl::stream<tcp::socket&> stream(socket, *tls_);
  auto [failed] = co_await stream.async_handshake(asio::ssl::stream_base::server, kTuple);
  if (!failed) co_return co_await serve_requests(stream, connection);
  if (ERR_GET_REASON(static_cast<unsigned long>(failed.value())) == SSL_R_HTTP_REQUEST) {
    co_await asio::async_write(socket, asio::buffer(kTlsWanted), kTuple);
  }
}

template <class Stream>
asio::awaitable<void> FakeServer::serve_requests(Stream& stream, int connection) {
  boost::beast::flat_buffer buffer;
  for (;;) {
    http::request<http::string_body> request;
    auto [failed, size] = co_await http::async_read(stream, buffer, request, kTuple);
    if (failed.category() == http::make_error_code(http::error::bad_method).category() &&
        failed != http::error::end_of_stream) {
      co_await asio::async_write(stream, asio::buffer(kBadRequest), kTuple);
    }
    if (failed) break;
    const Answer said = answer(recorded(request, connection));
    const bool is_head = request.method() == http::verb::head;
    const bool stays = said.fault ? co_await misbehave(stream, said, is_head) : co_await send(stream, said, is_head);
    if (!stays) break;
  }
  count_closed_connection();
}

template <class Stream>
asio::awaitable<bool> FakeServer::send(Stream& stream, const Answer& answer, bool is_head) {
  http::response<http::string_body> response(static_cast<http::status>(answer.status), 11);
  for (const auto& [name, value] : answer.headers) response.insert(name, value);
  response.content_length(answer.body.size());
  if (!is_head) response.body() = answer.body;
  auto [failed, size] = co_await http::async_write(stream, response, kTuple);
  co_return !failed;
}

template <class Stream>
asio::awaitable<bool> FakeServer::misbehave(Stream& stream, const Answer& answer, bool is_head) {
  const Fault& fault = *answer.fault;
  auto& socket = stream.lowest_layer();
  switch (fault.kind) {
    case Fault::Kind::delay: {
      asio::steady_timer timer(context_, fault.delay);
      co_await timer.async_wait(kTuple);
      break;
    }
    case Fault::Kind::hang: {
      char byte = 0;
      co_await stream.async_read_some(asio::buffer(&byte, 1), kTuple);
      co_return false;
    }
    case Fault::Kind::reset:
      socket.set_option(asio::socket_base::linger(true, 0));
      socket.close();
      co_return false;
    case Fault::Kind::endless_body:
      if (is_head) break;
      co_await write_for_ever(stream, "HTTP/1.1 200 OK\r\nContent-Type: " + image_manifest().media_type + "\r\n\r\n",
                              std::string(64 * 1024, ' '));
      co_return false;
    case Fault::Kind::endless_header:
      co_await write_for_ever(stream, "HTTP/1.1 200 OK\r\n", "X-Padding: " + std::string(1024, 'x') + "\r\n");
      co_return false;
    default:
      break;
  }
  co_return co_await send(stream, answer, is_head);
}

}  // namespace shim::test
