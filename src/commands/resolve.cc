#include "commands/resolve.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <exception>
#include <expected>
#include <optional>
#include <utility>

#include "base/log.h"
#include "commands/admin_socket.h"
#include "commands/configuration.h"
#include "commands/resolution_table.h"
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

constexpr auto kLongestProbe = 1min;  // what `probe.timeout` may be, where the file cannot be read
constexpr auto kPatience = 5s;        // beyond the shim's own time for its probes

void say(std::string_view message) {
  fmt::print(stderr, "{}\n", message);
}

// Runs a coroutine to its end, on an io_context of its own or another's, and gives its result.
template <class T>
T run(asio::io_context& io, asio::awaitable<T> work) {
  std::optional<T> result;
  std::exception_ptr failed;
  asio::co_spawn(io, std::move(work), [&](std::exception_ptr error, T value) {
    failed = error;
    result.emplace(std::move(value));
    io.stop();  // registries are checked in the background for as long as it runs
  });
  io.run();
  if (failed) std::rethrow_exception(failed);
  return std::move(*result);
}

std::expected<Explanation, AdminFailure> ask_shim(const std::string& socket, const CommandLine& line,
                                                  std::chrono::milliseconds timeout) {
  asio::io_context io{1};
  http::Client http(io.get_executor());
  std::string target = "/resolve?image=" + http::percent_encoded(line.image);
  if (!line.pod_namespace.empty()) target += "&namespace=" + http::percent_encoded(line.pod_namespace);
  const auto answer = run(io, ask_admin(io, http, socket, std::move(target), timeout));
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
  http::Client http(io.get_executor());
  const registry::Resolver resolver(registry_entries(config), resolver_options(config), http, io.get_executor());
  const observe::Explain explain = [&](const image::Reference& reference, std::string pod_namespace) {
    return resolver.explain(reference, {.pod_namespace = std::move(pod_namespace)});
  };
  return run(io, observe::explain_image(line.image, line.pod_namespace, explain));
}

// False where the file cannot be used, which is said then.
bool say_diagnostics(const LoadedConfiguration& loaded) {
  for (const config::Diagnostic& diagnostic : loaded.diagnostics) {
    const bool is_worth_it = diagnostic.severity == config::Severity::error ||
                             (loaded.config && diagnostic.severity == config::Severity::warning);
    if (is_worth_it) fmt::print(stderr, "{}\n", to_string(diagnostic));
  }
  return loaded.config.has_value();
}

int print(const Explanation& explanation, bool as_json) {
  const std::string text =
      as_json ? observe::to_json(explanation) : resolution_table(explanation, terminal_of(STDOUT_FILENO));
  const bool is_written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
  return is_written && has_source(explanation) ? kFound : kNothingFound;
}

std::string without_scheme(const std::string& socket) {
  constexpr std::string_view kScheme = "unix://";
  return socket.starts_with(kScheme) ? socket.substr(kScheme.size()) : socket;
}

}  // namespace

int resolve(const CommandLine& line) {
  configure_log({});                      // on stderr
  spdlog::set_level(spdlog::level::err);  // what is wrong with a registry is in the answer
  std::signal(SIGPIPE, SIG_IGN);
  const LoadedConfiguration loaded = load_configuration(line.file);
  if (line.admin.empty() && !say_diagnostics(loaded)) {
    say("with --admin SOCKET, a shim that is running is asked without the file");
    return kInvalid;
  }
  const std::string socket = line.admin.empty() ? loaded.config->admin : without_scheme(line.admin);
  const auto probing = loaded.config ? std::chrono::ceil<std::chrono::milliseconds>(loaded.config->probe.timeout)
                                     : std::chrono::milliseconds(kLongestProbe);
  const auto answer = ask_shim(socket, line, probing + kPatience);
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
