#include "commands/pull.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <chrono>
#include <csignal>
#include <exception>
#include <optional>
#include <utility>

#include "base/byte_budget.h"
#include "base/log.h"
#include "commands/password.h"
#include "commands/pull_report.h"
#include "commands/shim_client.h"
#include "cri/pull_question.h"
#include "cri/status.h"
#include "http/url.h"
#include "http2/flush_queue.h"
#include "observe/explanation_json.h"
#include "proxy/deadline_queue.h"
#include "proxy/method.h"
#include "proxy/runtime_call.h"
#include "proxy/runtime_link.h"

namespace shim::commands {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr int kPulled = 0;
constexpr int kNotPulled = 1;
constexpr int kInvalid = 2;
constexpr int kInterrupted = 130;  // 128 + SIGINT, as shells have it

constexpr std::size_t kMostMessage = 16 * 1024 * 1024;
constexpr auto kStatusPatience = 2min;  // as long as a kubelet gives it
constexpr auto kPullPatience = 24h;     // a kubelet gives a pull no time
constexpr auto kAdminPatience = 10s;

// One connection to the shim, and the calls on it.
class ShimCalls {
 public:
  ShimCalls(asio::io_context& io, std::string socket)
      : flush_queue_(io),
        deadlines_(io),
        budget_(kMostMessage),
        link_(io, flush_queue_, {std::move(socket), {}}, [](proxy::RuntimeLink::Event, std::string_view) {}) {}

  asio::awaitable<cri::Reply> call(std::string method, std::string message, std::chrono::nanoseconds patience) {
    http2::HeaderList headers =
        proxy::own_request_headers(proxy::path_of(proxy::Dialect::v1, cri::Service::image, method));
    const proxy::CallLimits limits{kMostMessage, budget_, deadlines_};
    cri::Reply reply = co_await proxy::call_runtime(link_, std::move(headers), std::move(message), patience, limits);
    if (reply.runtime_is_lost) {
      reply.status.message = fmt::format("nobody answers at {}: is image-cri-shim running?", link_.socket_path());
    }
    co_return reply;
  }

 private:
  http2::FlushQueue flush_queue_;
  proxy::DeadlineQueue deadlines_;
  ByteBudget budget_;
  proxy::RuntimeLink link_;
};

// What a kubelet does for a container with `imagePullPolicy: Always`.
asio::awaitable<PullReport> pull_as_kubelet(ShimCalls& shim, cri::PullQuestion question) {
  PullReport report{.image = question.image, .pod_namespace = question.pod_namespace};
  const std::string status_question = cri::image_status_question(question.image);
  const cri::Reply before = co_await shim.call("ImageStatus", status_question, kStatusPatience);
  report.status = before.status;
  if (!before.is_ok()) co_return report;
  report.was_present = cri::has_image(before.message);
  const auto began = Clock::now();
  std::string message = cri::pull_image_question(question);
  const cri::Reply pulled = co_await shim.call("PullImage", std::move(message), kPullPatience);
  report.duration = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - began);
  report.status = pulled.status;
  if (!pulled.is_ok()) co_return report;
  report.reference = cri::pulled_reference(pulled.message);
  const cri::Reply after = co_await shim.call("ImageStatus", status_question, kStatusPatience);
  if (after.is_ok()) report.image_id = cri::image_id_in_status(after.message);
  co_return report;
}

// Nothing where it was interrupted: the connection goes, and with it the pull.
std::optional<PullReport> run_pull(const std::string& socket, cri::PullQuestion question) {
  asio::io_context io{1};
  ShimCalls shim(io, socket);
  std::optional<PullReport> report;
  std::exception_ptr failed;
  asio::signal_set signals(io, SIGINT, SIGTERM);
  signals.async_wait([&](const boost::system::error_code& error, int) {
    if (!error) io.stop();
  });
  asio::co_spawn(io, pull_as_kubelet(shim, std::move(question)), [&](std::exception_ptr error, PullReport done) {
    failed = error;
    if (!error) report.emplace(std::move(done));
    io.stop();
  });
  io.run();
  if (failed) std::rethrow_exception(failed);
  return report;
}

// Where a pull would come from, as the shim says before it.
std::optional<PullSource> expected_source(const std::string& admin, const CommandLine& line) {
  std::string target = "/resolve?image=" + http::percent_encoded(line.image);
  if (!line.pod_namespace.empty()) target += "&namespace=" + http::percent_encoded(line.pod_namespace);
  const auto answer = ask_shim(admin, target, kAdminPatience);
  if (!answer) return std::nullopt;
  const auto explanation = observe::explanation_from_json(*answer);
  if (!explanation) return std::nullopt;
  const auto chosen = std::ranges::find_if(explanation->lines, &registry::Explanation::Line::is_chosen);
  if (chosen == explanation->lines.end()) return std::nullopt;
  return PullSource{chosen->registry, chosen->name, chosen->verdict, false};
}

std::optional<PullSource> source_used(const std::string& admin, const CommandLine& line) {
  const auto answer = ask_shim(admin, "/status", kAdminPatience);
  return answer ? source_in_status(*answer, line.image, line.pod_namespace) : std::nullopt;
}

}  // namespace

int pull(const CommandLine& line) {
  configure_log({});  // on stderr
  spdlog::set_level(spdlog::level::err);
  std::signal(SIGPIPE, SIG_IGN);
  const LoadedConfiguration loaded = load_configuration(line.file);
  if (!say_diagnostics(loaded)) return kInvalid;
  cri::PullQuestion question{line.image, line.pod_namespace, line.username, {}};
  if (!line.username.empty()) {
    auto password = read_password(fmt::format("Password of {}: ", line.username));
    if (!password) {
      say(password.error().message);
      return kInvalid;
    }
    question.password = std::move(*password);
  }
  const std::string admin = admin_socket(line, loaded);
  const auto expected = expected_source(admin, line);
  auto report = run_pull(loaded.config->shim, std::move(question));
  if (!report) {
    say("interrupted: the pull is cancelled");
    return kInterrupted;
  }
  report->source = source_used(admin, line);
  if (!report->source && report->is_done()) report->source = expected;
  const bool is_written = write_answer(line.as_json ? pull_json(*report) : pull_text(*report));
  return is_written && report->is_done() ? kPulled : kNotPulled;
}

}  // namespace shim::commands
