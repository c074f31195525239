#include "credentials/keychain.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <utility>

#include "base/atomic_file.h"
#include "base/text.h"
#include "credentials/cached_file.h"
#include "credentials/docker_config.h"
#include "credentials/docker_source.h"
#include "credentials/plugin_config.h"
#include "credentials/plugin_source.h"

// GCC 12 at -O2 takes Asio's operator delete of a coroutine frame for the wrong one.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace shim::credentials {

namespace asio = boost::asio;

namespace {

constexpr std::size_t kMaxPasswordBytes = 64 * 1024;
constexpr std::size_t kMaxConfigBytes = 1024 * 1024;

using Answer = Expected<std::optional<Credential>>;

Expected<Secret> parse_password(std::string content, const std::string& /*path*/) {
  return password_of(std::move(content));
}

ProgramRunner::Options runner_options(const Keychain::Options& options) {
  ProgramRunner::Options runner;
  runner.limits.timeout = options.exec_timeout;
  return runner;
}

}  // namespace

struct Keychain::State {
  State(std::unique_ptr<WorkerPool> own, WorkerPool& pool, Options chosen)
      : options(std::move(chosen)),
        own_workers(std::move(own)),
        workers(pool),
        programs(std::make_shared<ProgramRunner>(workers, runner_options(options))) {
    for (const std::string& file : options.docker_config) docker.emplace_back(file, workers, programs, options.now);
    if (options.plugin_config.empty()) return;
    plugins.emplace(options.plugin_config, options.plugin_bin_dir, workers, programs, options.now);
  }

  asio::awaitable<Expected<Credential>> with_password(Credential credential, TimePoint deadline);
  asio::awaitable<Answer> ask(std::size_t source, const Question& question, TimePoint deadline);
  std::size_t source_count() const { return docker.size() + (plugins ? 1 : 0); }
  void say(const Error& failure);
  bool has_plugins_of(const State& other) const {
    return options.plugin_config == other.options.plugin_config &&
           options.plugin_bin_dir == other.options.plugin_bin_dir;
  }

  const Options options;
  std::unique_ptr<WorkerPool> own_workers;  // or null
  WorkerPool& workers;
  std::shared_ptr<ProgramRunner> programs;
  std::map<std::string, CachedFile<Secret>> password_files;  // by path: at most one for each entry
  std::vector<DockerSource> docker;
  std::optional<PluginSource> plugins;
  std::string said;  // the failure that was logged last
};

asio::awaitable<Expected<Credential>> Keychain::State::with_password(Credential credential, TimePoint deadline) {
  CachedFile<Secret>& file =
      password_files
          .try_emplace(credential.password_file, workers, credential.password_file, kMaxPasswordBytes, &parse_password)
          .first->second;
  const auto password = co_await file.get(deadline);
  if (!password) co_return fail("password file: " + password.error().message);
  if (!*password) co_return fail(fmt::format("password file: {} does not exist", printable(file.path(), 512)));
  credential.password = **password;
  credential.password_file.clear();
  co_return credential;
}

asio::awaitable<Answer> Keychain::State::ask(std::size_t source, const Question& question, TimePoint deadline) {
  if (source < docker.size()) co_return co_await docker[source].find(question.host, question.repository, deadline);
  co_return co_await plugins->find(question.host, question.repository, deadline);
}

// Once for each: a failure that another source makes up for is in no error.
void Keychain::State::say(const Error& failure) {
  if (said == failure.message) return;
  said = failure.message;
  spdlog::warn("credentials: {}", failure.message);
}

Keychain::Keychain() {
  auto workers = std::make_unique<WorkerPool>(1);
  WorkerPool& pool = *workers;
  state_ = std::make_unique<State>(std::move(workers), pool, Options());
}
Keychain::Keychain(WorkerPool& workers, Options options)
    : state_(std::make_unique<State>(nullptr, workers, std::move(options))) {}
Keychain::~Keychain() = default;

void Keychain::take_over(const Keychain& former) {
  const State& old = *former.state_;
  const std::vector<std::string>& old_files = old.options.docker_config;
  for (std::size_t i = 0; i < state_->docker.size(); ++i) {
    const auto same = std::ranges::find(old_files, state_->options.docker_config[i]);
    if (same != old_files.end()) state_->docker[i] = old.docker[static_cast<std::size_t>(same - old_files.begin())];
  }
  if (state_->has_plugins_of(old)) state_->plugins = old.plugins;
  state_->said = old.said;
}

bool Keychain::has_same_sources(const Keychain& other) const {
  return state_->options.docker_config == other.state_->options.docker_config && state_->has_plugins_of(*other.state_);
}

asio::awaitable<Expected<Credential>> Keychain::find(Question question, TimePoint deadline) {
  if (question.configured) {
    if (question.configured->password_file.empty()) co_return std::move(*question.configured);
    co_return co_await state_->with_password(*question.configured, deadline);
  }
  std::optional<Error> failure;
  for (std::size_t source = 0; source < state_->source_count(); ++source) {
    auto answer = co_await state_->ask(source, question, deadline);
    if (!answer) {
      if (!failure) failure = std::move(answer.error());
    } else if (*answer) {
      if (failure) state_->say(*failure);
      co_return std::move(**answer);
    }
  }
  if (failure) co_return std::unexpected(std::move(*failure));
  co_return Credential();
}

void Keychain::refused(const Question& question, const Credential& credential) {
  if (question.configured) return;  // a password file is looked at each time
  for (DockerSource& source : state_->docker) source.refused(question.host, credential);
  if (state_->plugins) state_->plugins->refused(question.host, question.repository, credential);
}

std::vector<std::string> problems_of(const Keychain::Options& options) {
  std::vector<std::string> problems;
  for (const std::string& file : options.docker_config) {
    auto content = read_file(file, kMaxConfigBytes);
    if (!content) {
      problems.push_back(content.error().message);
    } else if (const auto config = DockerConfig::parse(std::move(*content), file); !config) {
      problems.push_back(config.error().message);
    }
  }
  if (options.plugin_config.empty()) return problems;
  const auto content = read_file(options.plugin_config, kMaxConfigBytes);
  if (!content) {
    problems.push_back(content.error().message);
    return problems;
  }
  const PluginConfigResult result = read_plugin_config(*content, options.plugin_config);
  for (const config::Diagnostic& diagnostic : result.diagnostics) problems.push_back(to_string(diagnostic));
  for (const Plugin& plugin : result.config.value_or(PluginConfig()).plugins) {
    const std::string file = options.plugin_bin_dir + "/" + plugin.name;
    if (::access(file.c_str(), X_OK) != 0) {
      problems.push_back(fmt::format("{}: the executable of plugin {} is missing: {}", options.plugin_config,
                                     in_quotes(plugin.name), printable(file, 512)));
    }
  }
  return problems;
}

}  // namespace shim::credentials
