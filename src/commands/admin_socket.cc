#include "commands/admin_socket.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/text.h"

namespace shim::commands {
namespace {

constexpr mode_t kFolderMode = 0755;
constexpr mode_t kSocketMode = 0600;
constexpr int kOk = 200;
constexpr int kBadRequest = 400;
constexpr std::size_t kMaxAnswerBytes = 16 * 1024 * 1024;  // 1000 registries with long reasons

Expected<void> make_folder_of(const std::string& path) {
  const std::string folder = path.substr(0, path.rfind('/'));
  if (folder.empty() || ::mkdir(folder.c_str(), kFolderMode) == 0 || errno == EEXIST) return {};
  return fail(fmt::format("{}: its folder cannot be made: {}", path, std::strerror(errno)));
}

AdminFailure failure(AdminFailure::Kind kind, std::string message) {
  return AdminFailure{{std::move(message)}, kind};
}

AdminFailure failure_of(const http2::ConnectFailure& connect, const std::string& socket) {
  using enum AdminFailure::Kind;
  if (connect.number == EACCES || connect.number == EPERM) {
    return failure(forbidden, fmt::format("not allowed to ask the shim at {}: run this as root", socket));
  }
  const bool is_absent = connect.number == ENOENT || connect.number == ENOTDIR || connect.number == ECONNREFUSED;
  if (is_absent) return failure(not_running, fmt::format("no shim is running at {}", socket));
  return failure(no_answer, fmt::format("cannot ask the shim at {}: {}", socket, connect.reason));
}

AdminFailure failure_of(const http::Response& response, const std::string& socket) {
  const auto body = nlohmann::json::parse(response.body, nullptr, false);
  const bool has_reason = body.is_object() && body.contains("error") && body["error"].is_string();
  const std::string reason = has_reason ? printable(body["error"].get<std::string>()) : "";
  if (response.status == kBadRequest && has_reason) return failure(AdminFailure::Kind::refused, reason);
  return failure(AdminFailure::Kind::no_answer, fmt::format("the shim at {} answered with status {}{}{}", socket,
                                                            response.status, reason.empty() ? "" : ": ", reason));
}

}  // namespace

Expected<std::unique_ptr<AdminSocket>> AdminSocket::open(boost::asio::io_context& io, const std::string& path,
                                                         observe::Router router,
                                                         std::chrono::milliseconds handling_time) {
  if (auto made = make_folder_of(path); !made) return std::unexpected(made.error());
  auto listener = http2::UnixListener::bind(io, path, {kSocketMode, ::geteuid(), ::getegid()});
  if (!listener) return std::unexpected(listener.error());
  return std::unique_ptr<AdminSocket>(
      new AdminSocket(std::move(*listener), std::move(router), {.handling_time = handling_time}));
}

AdminSocket::AdminSocket(http2::UnixListener listener, observe::Router router, observe::HttpServer::Limits limits)
    : listener_(std::move(listener)), server_(std::move(router), limits) {
  server_.serve(listener_.acceptor());
}

boost::asio::awaitable<std::expected<std::string, AdminFailure>> ask_admin(boost::asio::io_context& io,
                                                                           http::Client& http, std::string socket,
                                                                           std::string target,
                                                                           std::chrono::milliseconds timeout) {
  // libcurl tells a missing socket, a stale one and one of somebody else apart only in its messages.
  if (const auto probe = http2::connect_unix(io, socket); !probe) {
    co_return std::unexpected(failure_of(probe.error(), socket));
  }
  http::Request request;
  request.url = "http://localhost" + target;
  request.unix_socket = socket;
  request.timeout = timeout;
  request.max_body_bytes = kMaxAnswerBytes;
  auto response = co_await http.request(std::move(request));
  if (!response) {
    co_return std::unexpected(failure(AdminFailure::Kind::no_answer, fmt::format("the shim at {} does not answer: {}",
                                                                                 socket, response.error().message)));
  }
  if (response->status != kOk) co_return std::unexpected(failure_of(*response, socket));
  co_return std::move(response->body);
}

}  // namespace shim::commands
