#include "commands/kubelet_service.h"

#include <fmt/format.h>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/byte_budget.h"
#include "base/text.h"
#include "commands/kubelet_flags.h"
#include "commands/shim_client.h"
#include "credentials/program.h"
#include "http/client.h"
#include "http2/flush_queue.h"
#include "proxy/deadline_queue.h"
#include "proxy/method.h"
#include "proxy/runtime_call.h"
#include "proxy/runtime_link.h"

namespace shim::commands {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMostMessage = 1024 * 1024;
constexpr auto kHealthPatience = 2s;
constexpr auto kVersionPatience = 10s;
constexpr int kHealthy = 200;

std::atomic<bool> is_interrupted{false};

void interrupt(int) {
  is_interrupted = true;
}

boost::asio::awaitable<cri::Reply> call_image_service(boost::asio::io_context& io, http2::FlushQueue& flush_queue,
                                                      proxy::CallLimits limits, std::string socket,
                                                      std::chrono::milliseconds patience) {
  proxy::RuntimeLink link(io, flush_queue, {std::move(socket), {}}, [](proxy::RuntimeLink::Event, std::string_view) {});
  http2::HeaderList headers =
      proxy::own_request_headers(proxy::path_of(proxy::Dialect::v1, cri::Service::image, "ImageFsInfo"));
  co_return co_await proxy::call_runtime(link, std::move(headers), std::string(), patience, limits);
}

// The program's exit status and what it said, for the ones that end by themselves.
Expected<credentials::ProgramResult> run(const std::string& file, std::vector<std::string> arguments,
                                         std::chrono::milliseconds patience) {
  credentials::Program program{.file = file, .arguments = std::move(arguments)};
  program.environment = credentials::inherited_variables();
  if (file.find('/') == std::string::npos) {
    // As a unit or cron job of a small PATH would find it.
    for (const char* folder : {"/usr/bin/", "/bin/", "/usr/local/bin/", "/usr/sbin/"}) {
      if (std::ifstream(folder + file).good()) {
        program.file = folder + file;
        break;
      }
    }
  }
  credentials::ProgramLimits limits;
  limits.timeout = patience;
  auto result = credentials::run_program(program, limits);
  if (result && result->exit_status != 0) return fail(credentials::describe_failure(program, *result, {}));
  return result;
}

// `/var/run` is a link to `/run`.
std::string without_links(const std::string& path) {
  const std::filesystem::path given(path);
  std::error_code error;
  const auto folder = std::filesystem::canonical(given.parent_path(), error);
  return error ? path : (folder / given.filename()).string();
}

}  // namespace

Expected<void> ask_image_service(const std::string& socket, std::chrono::milliseconds patience) {
  boost::asio::io_context io{1};
  http2::FlushQueue flush_queue(io);
  proxy::DeadlineQueue deadlines(io);
  ByteBudget budget(kMostMessage);
  const proxy::CallLimits limits{kMostMessage, budget, deadlines};
  const cri::Reply reply = run_to_end(io, call_image_service(io, flush_queue, limits, socket, patience));
  if (reply.is_ok()) return {};
  if (reply.runtime_is_lost) return fail(fmt::format("nobody answers at {}: is image-cri-shim running?", socket));
  return fail(fmt::format("{}: {}", socket, printable(reply.status.message, 512)));
}

Expected<void> ask_health(const std::string& url) {
  boost::asio::io_context io{1};
  http::Client http(io.get_executor());
  http::Request request;
  request.url = url;
  request.proxy = "";
  request.timeout = kHealthPatience;
  const auto response = run_to_end(io, http.request(std::move(request)));
  if (!response) return fail(response.error().message);
  if (response->status == kHealthy) return {};
  return fail(fmt::format("{}: status {}: {}", url, response->status, printable(response->body, 256)));
}

std::optional<int> kubelet_version(const KubeletNode& node) {
  const auto result = run(node.program.empty() ? "kubelet" : node.program, {"--version"}, kVersionPatience);
  return result ? minor_version(result->output.reveal()) : std::nullopt;
}

Expected<void> restart_unit(const std::string& systemctl, const std::string& unit, std::chrono::milliseconds patience) {
  auto result = run(systemctl, {"restart", unit}, patience);
  if (!result) return std::unexpected(result.error());
  return {};
}

bool has_clients(const std::string& root, const std::string& socket) {
  constexpr std::string_view kConnected = "03";  // SS_CONNECTED (net/unix.h)
  const std::string wanted = without_links(socket);
  std::ifstream list(root + "/proc/net/unix");
  for (std::string line; std::getline(list, line);) {
    std::istringstream words(line);
    std::string number, references, protocol, flags, type, state, inode, path;
    words >> number >> references >> protocol >> flags >> type >> state >> inode >> path;
    if (state != kConnected || !path.starts_with('/')) continue;
    const std::string listener = without_links(path);
    // A socket keeps the name that it was bound to, before it was put in its place (http2/unix_socket.h).
    if (listener == wanted || listener.starts_with(wanted + ".")) return true;
  }
  return false;
}

Interruption::Interruption() {
  is_interrupted = false;
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) std::signal(number, interrupt);
  std::signal(SIGPIPE, SIG_IGN);
}

Interruption::~Interruption() {
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) std::signal(number, SIG_DFL);
}

bool Interruption::has_come() {
  return is_interrupted;
}

}  // namespace shim::commands
