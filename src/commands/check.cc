#include "commands/check.h"

#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <cstdio>
#include <exception>
#include <utility>

#include "base/text.h"
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
Expected<cri::RuntimeVersion> ask_runtime(const config::Config& config) {
  boost::asio::io_context io;
  http2::FlushQueue flush_queue(io);
  proxy::DeadlineQueue deadlines(io);
  ByteBudget budget(config.max_message_size);
  const proxy::RuntimeQuestion question{io, flush_queue, deadlines, budget, config.cri, config.max_message_size};
  Expected<cri::RuntimeVersion> result;
  boost::asio::co_spawn(io, proxy::check_runtime(question, kPatience),
                        [&](std::exception_ptr, Expected<cri::RuntimeVersion> answer) {
                          result = std::move(answer);
                          io.stop();  // the deadline of a question that has been answered need not be waited for
                        });
  io.run();
  return result;
}

// True where the runtime answers.
bool check_runtime(const config::Config& config) {
  const auto runtime = ask_runtime(config);
  if (!runtime) {
    fmt::print("✗ runtime {}: {}\n", config.cri, runtime.error().message);
    return false;
  }
  const std::string what =
      runtime->name.empty() ? "it answers" : printable(runtime->name + " " + runtime->version, 128);
  fmt::print("✓ runtime {}: {}\n", config.cri, what);
  for (const std::string& warning : ignored_credentials(config, runtime->name)) fmt::print("! {}\n", warning);
  return true;
}

}  // namespace

std::vector<std::string> ignored_credentials(const config::Config& config, std::string_view runtime_name) {
  if (runtime_name != "cri-o") return {};
  std::vector<std::string> warnings;
  const auto look_at = [&](const config::Registry& registry) {
    if (!registry.auth || registry.auth->identity_token.empty()) return;
    warnings.push_back(
        fmt::format("{}: CRI-O ignores identity tokens, so it pulls from there without credentials: configure a user "
                    "name and password",
                    registry.address.text()));
  };
  for (const config::Registry& registry : config.registries) look_at(registry);
  if (config.offline) look_at(*config.offline);
  return warnings;
}

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
  const bool runtime_answers = check_runtime(*loaded.config);
  return runtime_answers && problems.empty() ? 0 : kCheckFailed;
}

}  // namespace shim::commands
