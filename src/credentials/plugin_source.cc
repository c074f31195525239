#include "credentials/plugin_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "base/single_flight.h"
#include "credentials/cached_file.h"
#include "credentials/plugin_config.h"
#include "credentials/plugin_protocol.h"

// GCC 12 at -O2 takes Asio's operator delete of a coroutine frame for the wrong one.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace shim::credentials {

namespace asio = boost::asio;

namespace {

constexpr std::size_t kMaxFileBytes = 1024 * 1024;
constexpr std::size_t kMaxAnswers = 4096;

std::string image_of(const std::string& host, const std::string& repository) {
  return repository.empty() ? host : host + "/" + repository;
}

// Under what an answer is kept: a plugin's name holds no slash.
std::string key_of(const Plugin& plugin, CacheKeyType type, const std::string& image) {
  switch (type) {
    case CacheKeyType::image:
      return plugin.name + "/image/" + image;
    case CacheKeyType::registry:
      return plugin.name + "/registry/" + image.substr(0, image.find('/'));
    case CacheKeyType::global:
      break;
  }
  return plugin.name + "/global";
}

}  // namespace

struct PluginSource::State {
  State(std::string path, std::string folder, WorkerPool& workers, std::shared_ptr<ProgramRunner> runner, Now clock)
      : file(workers, std::move(path), kMaxFileBytes, &parse_plugin_config),
        bin_dir(std::move(folder)),
        programs(std::move(runner)),
        now(std::move(clock)) {}

  struct Kept {
    PluginAnswer answer;
    TimePoint expires;
  };

  const PluginAnswer* kept(const Plugin& plugin, const std::string& image) const {
    for (const CacheKeyType type : {CacheKeyType::image, CacheKeyType::registry, CacheKeyType::global}) {
      const auto found = answers.find(key_of(plugin, type, image));
      if (found != answers.end() && now() < found->second.expires) return &found->second.answer;
    }
    return nullptr;
  }
  void keep(const Plugin& plugin, const std::string& image, const PluginAnswer& answer) {
    const auto duration = answer.cache_duration.value_or(plugin.default_cache_duration);
    if (duration <= std::chrono::nanoseconds(0)) return;
    const TimePoint begin = now();
    const auto longest = std::chrono::hours(24 * 365);
    answers.insert_or_assign(key_of(plugin, answer.key_type, image),
                             Kept{answer, begin + std::min<std::chrono::nanoseconds>(duration, longest)});
    if (answers.size() <= kMaxAnswers) return;
    answers.erase(std::ranges::min_element(answers, {}, [](const auto& each) { return each.second.expires; }));
  }
  void notice(const std::shared_ptr<const PluginConfig>& content) {
    if (content != last_content) answers.clear();
    last_content = content;
  }

  CachedFile<PluginConfig> file;
  const std::string bin_dir;
  std::shared_ptr<ProgramRunner> programs;
  Now now;
  // By plugin and image, as the kubelet does: for which others an answer holds, only the answer says.
  SingleFlight<std::string, Expected<PluginAnswer>> asking{Abandoned::goes_on};
  std::map<std::string, Kept> answers;
  std::shared_ptr<const PluginConfig> last_content;
};

namespace {

// Runs to its end even where who asked has given up: the next one has the answer.
asio::awaitable<Expected<PluginAnswer>> ask_plugin(std::shared_ptr<PluginSource::State> state, Plugin plugin,
                                                   std::string image) {
  const auto turn = co_await state->programs->turn();
  if (const PluginAnswer* known = state->kept(plugin, image)) co_return *known;
  Program program{.file = state->bin_dir + "/" + plugin.name,
                  .arguments = plugin.arguments,
                  .environment = plugin.environment,
                  .input = plugin_request(plugin.api_version, image)};
  auto result = co_await state->programs->run(program);
  if (!result) co_return std::unexpected(std::move(result.error()));
  if (result->exit_status != 0) {
    Variables hidden = state->programs->environment();
    hidden.insert(hidden.end(), plugin.environment.begin(), plugin.environment.end());
    co_return fail(describe_failure(program, *result, hidden));
  }
  auto answer = parse_plugin_answer(result->output.reveal(), plugin.api_version);
  if (!answer) co_return fail(fmt::format("{}: {}", name_of(program), answer.error().message));
  state->keep(plugin, image, *answer);
  co_return std::move(*answer);
}

}  // namespace

PluginSource::PluginSource(std::string config_file, std::string bin_dir, WorkerPool& workers,
                           std::shared_ptr<ProgramRunner> programs, Now now)
    : state_(std::make_shared<State>(std::move(config_file), std::move(bin_dir), workers, std::move(programs),
                                     std::move(now))) {}

asio::awaitable<Expected<std::optional<Credential>>> PluginSource::find(std::string host, std::string repository,
                                                                        TimePoint deadline) {
  const auto state = state_;
  const auto config = co_await state->file.get(deadline);
  if (!config) co_return std::unexpected(config.error());
  state->notice(*config);
  if (!*config) co_return fail(fmt::format("{} does not exist", state->file.path()));
  const std::string image = image_of(host, repository);
  std::optional<Error> failure;
  for (const Plugin& plugin : (*config)->plugins) {
    if (!plugin.matches(image)) continue;
    if (const PluginAnswer* known = state->kept(plugin, image)) {
      if (auto credential = known->find(image)) co_return credential;
      continue;
    }
    auto start = [state, plugin, image] { return ask_plugin(state, plugin, image); };
    std::string key = plugin.name + "/" + image;
    const auto answer = co_await state->asking.join(std::move(key), std::move(start), deadline);
    if (!answer) co_return fail(fmt::format("credential plugin {} has not answered in time", plugin.name));
    if (!*answer) {
      if (!failure) failure = Error{"credential plugin " + answer->error().message};
    } else if (auto credential = (*answer)->find(image)) {
      co_return credential;
    }
  }
  if (failure) co_return std::unexpected(std::move(*failure));
  co_return std::nullopt;
}

void PluginSource::refused(const std::string& host, const std::string& repository, const Credential& credential) {
  const std::string image = image_of(host, repository);
  std::erase_if(state_->answers, [&](const auto& each) { return each.second.answer.find(image) == credential; });
}

}  // namespace shim::credentials
