#include "observe/http_server.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/error.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <boost/system/system_error.hpp>
#include <exception>
#include <optional>
#include <utility>
#include <variant>

#include "base/text.h"

namespace shim::observe {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;
using namespace std::chrono_literals;

namespace {

constexpr auto kAwaiting = asio::as_tuple(asio::use_awaitable);
constexpr auto kAcceptPause = 100ms;  // after an accept that failed (no descriptors left)
// A client that is refused may still be sending. Where its octets were not read, TCP would reset the connection, and
// the client would not see why.
constexpr auto kLingerTime = 1s;
constexpr std::size_t kLingerBytes = 256 * 1024;
constexpr int kHttp11 = 11;

using Socket = asio::generic::stream_protocol::socket;
using Stream = beast::basic_stream<asio::generic::stream_protocol>;
using Parser = http::request_parser<http::empty_body>;

// What is wrong with a request, as far as the protocol goes; nothing where it is fit for a handler.
std::optional<Answer> refusal_of(const Parser& parser) {
  if (parser.get().method() != http::verb::get) return error_answer(405, "only GET is served here");
  if (parser.chunked() || parser.content_length().value_or(0) != 0) {
    return error_answer(413, "a request to this server has no body");
  }
  return std::nullopt;
}

// An answer to what could not be read; nothing where the client is gone or too slow to be told.
std::optional<Answer> refusal_of(const error_code& error) {
  if (error == http::error::header_limit || error == http::error::buffer_overflow) {
    return error_answer(431, "the head of the request is too long");
  }
  if (error == http::error::end_of_stream || error == http::error::partial_message) return std::nullopt;
  if (error.category() == http::make_error_code(http::error::bad_method).category()) {
    return error_answer(400, "this is not an HTTP request: " + error.message());
  }
  return std::nullopt;
}

http::response<http::string_body> response_of(Answer answer) {
  http::response<http::string_body> response(static_cast<http::status>(answer.status), kHttp11);
  response.set(http::field::content_type, answer.content_type);
  response.set(http::field::cache_control, "no-store");
  response.set("X-Content-Type-Options", "nosniff");
  for (const auto& [name, value] : answer.fields) response.set(name, value);
  if (answer.status == 405) response.set(http::field::allow, "GET");
  response.keep_alive(false);
  response.body() = std::move(answer.body);
  response.prepare_payload();
  return response;
}

// Never waits: what does not fit into the socket's own buffer is not sent.
void turn_away(Socket socket) {
  const std::string body = error_answer(503, "too many connections at once").body;
  const std::string text = fmt::format(
      "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nContent-Length: {}\r\n"
      "Connection: close\r\n\r\n{}",
      body.size(), body);
  ::send(socket.native_handle(), text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
}

asio::awaitable<void> linger(Stream& stream) {
  std::string unread(16 * 1024, '\0');
  stream.expires_after(kLingerTime);
  for (std::size_t total = 0; total < kLingerBytes;) {
    const auto [error, size] = co_await stream.async_read_some(asio::buffer(unread), kAwaiting);
    if (error) co_return;
    total += size;
  }
}

// A handler's exceptions end here.
asio::awaitable<Answer> guarded(const Handler& handler, Request request) {
  const std::string path = request.path;
  try {
    co_return co_await handler(std::move(request));
  } catch (const boost::system::system_error& error) {
    const bool is_cancelled = error.code() == asio::error::operation_aborted;
    if (!is_cancelled) spdlog::error("cannot answer GET {}: {}", path, error.what());
  } catch (const std::exception& error) {
    spdlog::error("cannot answer GET {}: {}", path, error.what());
  }
  co_return error_answer(500, "this request has failed inside the shim; see its log");
}

}  // namespace

struct HttpServer::State {
  State(Router chosen_router, Limits chosen_limits) : router(std::move(chosen_router)), limits(chosen_limits) {}

  const Router router;
  const Limits limits;
  std::size_t connections = 0;
  bool is_stopped = false;

  // Holds one of max_connections.
  class Place {
   public:
    explicit Place(State& state) : state_(state) { ++state_.connections; }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    ~Place() { --state_.connections; }

   private:
    State& state_;
  };

  template <class Acceptor>
  static asio::awaitable<void> accept(std::shared_ptr<State> state, Acceptor& acceptor);
  static asio::awaitable<void> serve(std::shared_ptr<State> state, Socket socket);
  asio::awaitable<std::optional<Answer>> read_and_handle(Stream& stream, bool& was_read);
  asio::awaitable<Answer> handle(std::string_view target);
};

template <class Acceptor>
asio::awaitable<void> HttpServer::State::accept(std::shared_ptr<State> state, Acceptor& acceptor) {
  const auto executor = co_await asio::this_coro::executor;
  while (!state->is_stopped) {  // from then on the acceptor may be gone
    auto [error, socket] = co_await acceptor.async_accept(kAwaiting);
    if (state->is_stopped || error == asio::error::operation_aborted || error == asio::error::bad_descriptor) co_return;
    if (error) {
      spdlog::error("cannot accept a connection for the endpoints: {}; trying again", error.message());
      asio::steady_timer pause(executor, kAcceptPause);
      co_await pause.async_wait(kAwaiting);
    } else if (state->connections >= state->limits.max_connections) {
      turn_away(Socket(std::move(socket)));
    } else {
      asio::co_spawn(executor, serve(state, Socket(std::move(socket))), asio::detached);
    }
  }
}

asio::awaitable<void> HttpServer::State::serve(std::shared_ptr<State> state, Socket socket) {
  const Place place(*state);
  Stream stream(std::move(socket));
  bool was_read = false;
  std::optional<Answer> answer = co_await state->read_and_handle(stream, was_read);
  if (!answer) co_return;
  const auto response = response_of(std::move(*answer));
  stream.expires_after(state->limits.sending_time);
  const auto [error, size] = co_await http::async_write(stream, response, kAwaiting);
  if (error) co_return;
  error_code ignored;
  stream.socket().shutdown(Socket::shutdown_send, ignored);
  if (!was_read) co_await linger(stream);
}

asio::awaitable<std::optional<Answer>> HttpServer::State::read_and_handle(Stream& stream, bool& was_read) {
  beast::flat_buffer buffer(limits.max_head_bytes);
  Parser parser;
  parser.header_limit(static_cast<std::uint32_t>(limits.max_head_bytes));
  stream.expires_after(limits.arriving_time);
  const auto [error, size] = co_await http::async_read_header(stream, buffer, parser, kAwaiting);
  stream.expires_never();
  if (error) co_return refusal_of(error);
  if (auto refusal = refusal_of(parser)) co_return refusal;
  was_read = true;
  const std::string target(parser.get().target());
  co_return co_await handle(target);
}

asio::awaitable<Answer> HttpServer::State::handle(std::string_view target) {
  using namespace asio::experimental::awaitable_operators;
  Expected<Request> request = parse_target(target);
  if (!request) co_return error_answer(400, request.error().message);
  const Handler* handler = router.find(request->path);
  if (!handler) {
    co_return error_answer(
        404, fmt::format("nothing is at {}; there is: {}", in_quotes(request->path), fmt::join(router.paths(), " ")));
  }
  asio::steady_timer timer(co_await asio::this_coro::executor, limits.handling_time);
  auto work = guarded(*handler, std::move(*request));
  auto time_is_up = timer.async_wait(asio::use_awaitable);
  auto first = co_await (std::move(work) || std::move(time_is_up));
  if (Answer* answer = std::get_if<Answer>(&first)) co_return std::move(*answer);
  co_return error_answer(504, "this request has taken too long");
}

HttpServer::HttpServer(Router router, Limits limits) : state_(std::make_shared<State>(std::move(router), limits)) {}

HttpServer::~HttpServer() {
  state_->is_stopped = true;
}

void HttpServer::serve(asio::local::stream_protocol::acceptor& acceptor) {
  asio::co_spawn(acceptor.get_executor(), State::accept(state_, acceptor), asio::detached);
}

void HttpServer::serve(asio::ip::tcp::acceptor& acceptor) {
  asio::co_spawn(acceptor.get_executor(), State::accept(state_, acceptor), asio::detached);
}

std::size_t HttpServer::connections() const {
  return state_->connections;
}

}  // namespace shim::observe
