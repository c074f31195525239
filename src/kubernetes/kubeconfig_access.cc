#include "kubernetes/kubeconfig_access.h"

#include <fmt/format.h>

#include <cstdint>
#include <optional>
#include <utility>

#include "base/single_flight.h"
#include "kubernetes/bearer_token.h"
#include "kubernetes/kubeconfig_source.h"
#include "kubernetes/login_files.h"

// GCC 12 at -O2 takes Asio's operator delete of a coroutine frame for the wrong one.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace shim::kubernetes {

namespace asio = boost::asio;

namespace {

using Material = std::shared_ptr<const LoginMaterial>;
using TimePoint = std::chrono::steady_clock::time_point;

// One look at the files.
struct Look {
  std::uint64_t refusals = 0;  // as many as there had been when it began
  Expected<Material> material{};
};

struct State {
  State(KubeconfigSource found, Material first, WorkerPool& pool, AccessOptions chosen)
      : source(std::move(found)), workers(pool), options(std::move(chosen)), material(first), name(first->name) {
    credentials::ProgramRunner::Options runner;
    runner.limits.timeout = options.exec_timeout;
    programs = std::make_shared<credentials::ProgramRunner>(workers, runner);
  }

  // A plugin that is run as before keeps what it has said.
  ExecPlugin& plugin_for(const ExecConfig& config, const std::string& info) {
    if (!plugin || !plugin->is_of(config, info)) plugin.emplace(config, info, programs, options.clocks);
    return *plugin;
  }

  const KubeconfigSource source;
  WorkerPool& workers;
  const AccessOptions options;
  std::shared_ptr<credentials::ProgramRunner> programs;
  SingleFlight<int, Look> looking{Abandoned::goes_on};
  Material material;           // the last good look; null once it was refused
  std::uint64_t refusals = 0;  // answers of 401
  std::optional<ExecPlugin> plugin;
  std::string name;
};

asio::awaitable<Look> look(std::shared_ptr<State> state) {
  Look seen{.refusals = state->refusals};
  auto work = [source = state->source, before = state->material] { return read_login(source, before); };
  seen.material = co_await state->workers.run(std::move(work));
  if (seen.material && seen.refusals == state->refusals) {
    state->material = *seen.material;
    state->name = state->material->name;
  }
  co_return seen;
}

// What the files say; not from a look that began before the last refusal, as it may repeat what was refused.
asio::awaitable<Expected<Material>> current_material(std::shared_ptr<State> state) {
  const TimePoint deadline = std::chrono::steady_clock::now() + state->options.file_timeout;
  for (;;) {
    auto start = [state] { return look(state); };
    const auto seen = co_await state->looking.join(0, std::move(start), deadline);
    if (!seen) co_return fail(fmt::format("cannot read the files of {}: no answer in time", state->name));
    if (seen->refusals == state->refusals) co_return seen->material;
  }
}

void add(const ExecCredential& credential, Login& login) {
  if (!credential.token.empty()) login.authorization = bearer_authorization(credential.token);
  login.tls.cert_data = credential.certificate;
  login.tls.key_data = credential.key;
}

asio::awaitable<Expected<Login>> log_in(std::shared_ptr<State> state) {
  const auto material = co_await current_material(state);
  if (!material) co_return std::unexpected(material.error());
  Login login = (*material)->login;
  if (!(*material)->exec) co_return login;
  ExecPlugin plugin = state->plugin_for(*(*material)->exec, (*material)->exec_info);
  // Twice the time of a run: where all workers are busy it begins late.
  const TimePoint deadline = std::chrono::steady_clock::now() + 2 * state->options.exec_timeout;
  const auto credential = co_await plugin.credential(deadline);
  if (!credential) co_return fail(fmt::format("{}: {}", (*material)->name, credential.error().message));
  add(*credential, login);
  co_return login;
}

class KubeconfigAccess final : public Access {
 public:
  explicit KubeconfigAccess(std::shared_ptr<State> state) : state_(std::move(state)) {}

  asio::awaitable<Expected<Login>> login() override { return log_in(state_); }
  void refused() override {
    ++state_->refusals;
    state_->material.reset();
    if (state_->plugin) state_->plugin->refused();
  }
  std::string name() const override { return state_->name; }

 private:
  std::shared_ptr<State> state_;  // shared with looks under way
};

}  // namespace

Expected<std::shared_ptr<Access>> open_access(const Places& places, WorkerPool& workers, AccessOptions options) {
  auto source = find_source(places);
  if (!source) return std::unexpected(source.error());
  auto material = read_login(*source, nullptr);
  if (!material) return std::unexpected(material.error());
  auto state = std::make_shared<State>(std::move(*source), std::move(*material), workers, std::move(options));
  return std::make_shared<KubeconfigAccess>(std::move(state));
}

}  // namespace shim::kubernetes
