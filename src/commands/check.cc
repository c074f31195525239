#include "commands/check.h"

#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <cstdio>
#include <exception>
#include <utility>

#include "commands/configuration.h"
#include "commands/daemon.h"
#include "config/print.h"
#include "credentials/keychain.h"
#include "proxy/runtime_check.h"

namespace shim::commands {
namespace {

using namespace std::chrono_literals;

constexpr int kCheckFailed = 1;
constexpr int kInvalidConfiguration = 2;
constexpr auto kPatience = 5s;

// The parts that ask the runtime one question.
Expected<void> ask_runtime(const config::Config& config) {
  boost::asio::io_context io;
  http2::FlushQueue flush_queue(io);
  proxy::DeadlineQueue deadlines(io);
  ByteBudget budget(config.max_message_size);
  const proxy::RuntimeQuestion question{io, flush_queue, deadlines, budget, config.cri, config.max_message_size};
  Expected<void> result;
  boost::asio::co_spawn(io, proxy::check_runtime(question, kPatience), [&](std::exception_ptr, Expected<void> answer) {
    result = std::move(answer);
    io.stop();  // the deadline of a question that has been answered need not be waited for
  });
  io.run();
  return result;
}

bool print_result(const std::string& what, const Expected<void>& result) {
  fmt::print("{} {}{}\n", result ? "✓" : "✗", what, result ? "" : ": " + result.error().message);
  return result.has_value();
}

}  // namespace

int check(const CommandLine& line) {
  const LoadedConfiguration loaded = load_configuration(line.file);
  for (const config::Diagnostic& diagnostic : loaded.diagnostics) {
    fmt::print(stderr, "{}\n", to_string(diagnostic));
  }
  if (!loaded.config) {
    fmt::print("✗ {} is not valid\n", loaded.file.empty() ? "the configuration" : loaded.file);
    return kInvalidConfiguration;
  }
  fmt::print("# {}, as it takes effect\n{}\n", loaded.file, config::print(*loaded.config));
  fmt::print("✓ {} is valid\n", loaded.file);
  const auto problems = credentials::problems_of(keychain_options(*loaded.config));
  for (const std::string& problem : problems) fmt::print("✗ credentials: {}\n", problem);
  const bool runtime_answers = print_result("runtime " + loaded.config->cri, ask_runtime(*loaded.config));
  return runtime_answers && problems.empty() ? 0 : kCheckFailed;
}

}  // namespace shim::commands
