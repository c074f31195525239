#include "kubernetes/exec_plugin.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "base/single_flight.h"

// GCC 12 at -O2 takes Asio's operator delete of a coroutine frame for the wrong one.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace shim::kubernetes {

namespace asio = boost::asio;
using credentials::Program;
using credentials::Variables;

namespace {

using namespace std::chrono_literals;

// Of a credential's life, what is left to a request that begins just before the end.
constexpr auto kLeeway = 10s;
constexpr auto kLongestLife = std::chrono::hours(24 * 365);

}  // namespace

struct ExecPlugin::State {
  State(ExecConfig written, std::string told, std::shared_ptr<credentials::ProgramRunner> runner, Clocks both)
      : config(std::move(written)), info(std::move(told)), programs(std::move(runner)), clocks(std::move(both)) {}

  struct Kept {
    ExecCredential credential;
    TimePoint old_at = TimePoint::max();
  };

  // Seconds hold times that the system clock's nanoseconds do not.
  std::chrono::sys_seconds wall() const { return std::chrono::floor<std::chrono::seconds>(clocks.wall()); }
  bool has_expired(const ExecCredential& credential) const {
    return credential.expires && wall() >= *credential.expires - kLeeway;
  }
  std::optional<ExecCredential> known() const {
    if (!kept || has_expired(kept->credential) || clocks.steady() >= kept->old_at) return std::nullopt;
    return kept->credential;
  }
  void keep(const ExecCredential& credential) {
    kept = Kept{.credential = credential};
    if (!credential.expires) return;
    const auto left = *credential.expires - kLeeway - wall();
    kept->old_at = clocks.steady() + std::clamp<std::chrono::seconds>(left, 0s, kLongestLife);
  }

  const ExecConfig config;
  const std::string info;
  const std::shared_ptr<credentials::ProgramRunner> programs;
  const Clocks clocks;
  SingleFlight<int, Expected<ExecCredential>> running{Abandoned::goes_on};
  std::optional<Kept> kept;
};

namespace {

asio::awaitable<Expected<ExecCredential>> run_plugin(std::shared_ptr<ExecPlugin::State> state) {
  const ExecConfig& config = state->config;
  Program program{.file = config.command,
                  .arguments = config.arguments,
                  .environment = config.environment,
                  .install_hint = config.install_hint};
  program.environment.emplace_back("KUBERNETES_EXEC_INFO", state->info);
  const auto failed = [&](const std::string& why) { return fail("exec plugin " + why); };
  auto result = co_await state->programs->run(program);
  if (!result) co_return failed(result.error().message);
  if (result->exit_status != 0) {
    Variables hidden = state->programs->environment();
    hidden.insert(hidden.end(), config.environment.begin(), config.environment.end());
    co_return failed(describe_failure(program, *result, hidden));
  }
  auto credential = parse_exec_credential(result->output.reveal(), config.api_version);
  if (!credential) co_return failed(fmt::format("{}: {}", name_of(program), credential.error().message));
  state->keep(*credential);
  co_return std::move(*credential);
}

}  // namespace

ExecPlugin::ExecPlugin(ExecConfig config, std::string info, std::shared_ptr<credentials::ProgramRunner> programs,
                       Clocks clocks)
    : state_(std::make_shared<State>(std::move(config), std::move(info), std::move(programs), std::move(clocks))) {}

bool ExecPlugin::is_of(const ExecConfig& config, std::string_view info) const {
  return state_->config == config && state_->info == info;
}

asio::awaitable<Expected<ExecCredential>> ExecPlugin::credential(TimePoint deadline) {
  const auto state = state_;
  if (auto known = state->known()) co_return std::move(*known);
  auto start = [state] { return run_plugin(state); };
  const auto answer = co_await state->running.join(0, std::move(start), deadline);
  if (!answer) co_return fail(fmt::format("exec plugin {} has not answered in time", state->config.command));
  co_return *answer;
}

void ExecPlugin::refused() {
  state_->kept.reset();
}

}  // namespace shim::kubernetes
