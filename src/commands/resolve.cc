#include "commands/resolve.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <csignal>
#include <expected>
#include <utility>

#include "base/log.h"
#include "commands/configuration.h"
#include "commands/resolution_table.h"
#include "commands/shim_client.h"
#include "commands/terminal.h"
#include "http/url.h"
#include "observe/explanation_json.h"
#include "observe/resolve_endpoint.h"

namespace shim::commands {

namespace asio = boost::asio;
using registry::Explanation;
using namespace std::chrono_literals;

namespace {

constexpr int kFound = 0;
constexpr int kNothingFound = 1;
constexpr int kInvalid = 2;

constexpr std::size_t kWorkers = 2;   // for files, and programs that know credentials
constexpr auto kLongestProbe = 1min;  // what `probe.timeout` may be, where the file cannot be read
constexpr auto kPatience = 5s;        // beyond the shim's own time for its probes

std::expected<Explanation, AdminFailure> ask_for_image(const std::string& socket, const CommandLine& line,
                                                       std::chrono::milliseconds timeout) {
  std::string target = "/resolve?image=" + http::percent_encoded(line.image);
  if (!line.pod_namespace.empty()) target += "&namespace=" + http::percent_encoded(line.pod_namespace);
  const auto answer = ask_shim(socket, target, timeout);
  if (!answer) return std::unexpected(answer.error());
  auto explanation = observe::explanation_from_json(*answer);
  if (!explanation) {
    return std::unexpected(
        AdminFailure{{fmt::format("what answers at {} is not understood: {}", socket, explanation.error().message)},
                     AdminFailure::Kind::no_answer});
  }
  return std::move(*explanation);
}

Expected<Explanation> ask_registries(const config::Config& config, const CommandLine& line) {
  asio::io_context io{1};
  WorkerPool workers(kWorkers);
  http::Client http(io.get_executor());
  const auto resolver = make_resolver(config, http, workers, io.get_executor());
  const observe::Explain explain = [&](const image::Reference& reference, std::string pod_namespace) {
    return resolver->explain(reference, {.pod_namespace = std::move(pod_namespace)});
  };
  return run_to_end(io, observe::explain_image(line.image, line.pod_namespace, explain));
}

int print(const Explanation& explanation, bool as_json) {
  const bool is_written =
      write_answer(as_json ? observe::to_json(explanation) : resolution_table(explanation, terminal_of(STDOUT_FILENO)));
  return is_written && has_source(explanation) ? kFound : kNothingFound;
}

}  // namespace

int resolve(const CommandLine& line) {
  configure_log({});                      // on stderr
  spdlog::set_level(spdlog::level::err);  // what is wrong with a registry is in the answer
  std::signal(SIGPIPE, SIG_IGN);
  const LoadedConfiguration loaded = load_configuration(line.file);
  if (line.admin.empty() && !say_diagnostics(loaded)) {
    say(kWithoutTheFile);
    return kInvalid;
  }
  const std::string socket = admin_socket(line, loaded);
  const auto probing = loaded.config ? std::chrono::ceil<std::chrono::milliseconds>(loaded.config->probe.timeout)
                                     : std::chrono::milliseconds(kLongestProbe);
  const auto answer = ask_for_image(socket, line, probing + kPatience);
  if (answer) return print(*answer, line.as_json);
  say(answer.error().kind == AdminFailure::Kind::not_running || answer.error().kind == AdminFailure::Kind::no_answer
          ? answer.error().message + ": asking the registries from here"
          : answer.error().message);
  if (answer.error().kind == AdminFailure::Kind::forbidden) return kNothingFound;
  if (answer.error().kind == AdminFailure::Kind::refused) return kInvalid;

  if (!line.admin.empty() && !say_diagnostics(loaded)) return kInvalid;
  const auto explanation = ask_registries(*loaded.config, line);
  if (explanation) return print(*explanation, line.as_json);
  say(explanation.error().message);
  return kInvalid;
}

}  // namespace shim::commands
