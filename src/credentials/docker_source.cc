#include "credentials/docker_source.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <map>
#include <utility>

#include "base/single_flight.h"
#include "credentials/cached_file.h"
#include "credentials/docker_config.h"

// GCC 12 at -O2 takes Asio's operator delete of a coroutine frame for the wrong one.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace shim::credentials {

namespace asio = boost::asio;

namespace {

using Answer = Expected<std::optional<Credential>>;

constexpr std::size_t kMaxFileBytes = 1024 * 1024;
constexpr std::size_t kMaxHosts = 1024;
// A helper does not say for how long its answer holds. Short: a login or logout counts soon; long enough that a burst
// of pulls asks once. A refusal drops it at once.
constexpr std::chrono::seconds kAnswerLife{60};

}  // namespace

struct DockerSource::State {
  State(std::string path, WorkerPool& workers, std::shared_ptr<ProgramRunner> runner, Now clock)
      : file(workers, std::move(path), kMaxFileBytes, &DockerConfig::parse),
        programs(std::move(runner)),
        now(std::move(clock)) {}

  struct Kept {
    Credential credential;
    TimePoint expires;
  };

  std::optional<Credential> kept(const std::string& host) const {
    const auto found = answers.find(host);
    return found != answers.end() && now() < found->second.expires ? std::optional(found->second.credential)
                                                                   : std::nullopt;
  }
  // A changed file may name another helper.
  void notice(const std::shared_ptr<const DockerConfig>& content) {
    if (content != last_content) answers.clear();
    if (!content && !was_missing) spdlog::warn("credentials: {} does not exist and is left out", file.path());
    was_missing = !content;
    last_content = content;
  }

  CachedFile<DockerConfig> file;
  std::shared_ptr<ProgramRunner> programs;
  Now now;
  SingleFlight<std::string, Answer> asking{Abandoned::goes_on};  // by helper and host
  std::map<std::string, Kept> answers;                           // of helpers, by host
  std::shared_ptr<const DockerConfig> last_content;
  bool was_missing = false;
};

namespace {

// Runs to its end even where who asked has given up: the next one has the answer.
asio::awaitable<Answer> ask_helper(std::shared_ptr<DockerSource::State> state, std::string helper, std::string host) {
  const auto turn = co_await state->programs->turn();
  if (const auto known = state->kept(host)) co_return known;
  Program program{.file = "docker-credential-" + helper, .arguments = {"get"}, .input = helper_server(host) + "\n"};
  auto result = co_await state->programs->run(program);
  if (!result) co_return std::unexpected(std::move(result.error()));
  const bool has_failed = result->exit_status != 0 && !says_not_found(result->output.reveal());
  if (has_failed) co_return fail(describe_failure(program, *result, state->programs->environment()));
  auto answer = parse_helper_answer(result->exit_status, result->output.reveal());
  if (!answer) co_return fail(fmt::format("{}: {}", name_of(program), answer.error().message));
  if (*answer && state->answers.size() < kMaxHosts) {
    state->answers.insert_or_assign(host, DockerSource::State::Kept{**answer, state->now() + kAnswerLife});
  }
  co_return std::move(*answer);
}

}  // namespace

DockerSource::DockerSource(std::string file, WorkerPool& workers, std::shared_ptr<ProgramRunner> programs, Now now)
    : state_(std::make_shared<State>(std::move(file), workers, std::move(programs), std::move(now))) {}

asio::awaitable<Answer> DockerSource::find(std::string host, std::string repository, TimePoint deadline) {
  const auto state = state_;
  const auto config = co_await state->file.get(deadline);
  if (!config) co_return std::unexpected(config.error());
  state->notice(*config);
  if (!*config) co_return std::nullopt;
  const auto failed = [&](const std::string& why) { return fail(fmt::format("{}: {}", state->file.path(), why)); };

  const auto helper = (*config)->helper_for(host);
  if (!helper) co_return failed(helper.error().message);
  if (!helper->empty()) {
    if (const auto known = state->kept(host)) co_return known;
    auto start = [state, helper, host] { return ask_helper(state, *helper, host); };
    std::string key = *helper + " " + host;
    const auto answer = co_await state->asking.join(std::move(key), std::move(start), deadline);
    if (!answer) co_return failed(fmt::format("docker-credential-{} has not answered in time", *helper));
    if (!*answer) co_return failed(answer->error().message);
    if (**answer) co_return **answer;
  }
  auto written = (*config)->find(host, repository);
  if (!written) co_return failed(written.error().message);
  co_return std::move(*written);
}

void DockerSource::refused(const std::string& host, const Credential& credential) {
  const auto found = state_->answers.find(host);
  if (found != state_->answers.end() && found->second.credential == credential) state_->answers.erase(found);
}

}  // namespace shim::credentials
