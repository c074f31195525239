#include "commands/registry_check.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>
#include <utility>

#include "commands/configuration.h"
#include "registry/client.h"

namespace shim::commands {
namespace {

namespace asio = boost::asio;
using TimePoint = std::chrono::steady_clock::time_point;

// Shared by the questions under way; the last one wakes who waits for all.
struct Round {
  Round(const asio::any_io_executor& executor, http::Client& its_http, registry::RegistryClientOptions options)
      : http(its_http),
        client(its_http, std::move(options)),
        anonymous(its_http),
        all_answered(executor, TimePoint::max()) {}

  void end_question() {
    if (--pending == 0) all_answered.cancel();
  }

  http::Client& http;
  registry::RegistryClient client;
  registry::RegistryClient anonymous;
  asio::steady_timer all_answered;
  std::vector<registry::Entry> entries;
  std::vector<RegistryAnswer> answers;
  std::size_t pending = 0;
};

bool has_tls_settings(const registry::Entry& entry) {
  return entry.address.is_secure() && entry.tls != http::TlsOptions();
}

asio::awaitable<void> ask(std::shared_ptr<Round> round, std::size_t number, TimePoint deadline) {
  const registry::Entry& entry = round->entries[number];
  RegistryAnswer& answer = round->answers[number];
  answer.outcome = co_await round->client.ping(entry, deadline);
  using Kind = registry::Outcome::Kind;
  if (has_tls_settings(entry) && answer.outcome.kind != Kind::unreachable) {
    // Anonymous: nobody unverified is to see the credentials.
    registry::Entry bare = entry;
    bare.tls = {};
    bare.credential = credentials::Credential();
    const registry::Outcome without = co_await round->anonymous.ping(bare, deadline);
    answer.is_trusted_without = without.kind != Kind::unreachable;
  }
  round->end_question();
}

asio::awaitable<void> look(std::shared_ptr<Round> round, std::size_t number, TimePoint deadline) {
  round->answers[number].look = co_await look_at_registry(round->http, round->entries[number], deadline);
  round->end_question();
}

}  // namespace

asio::awaitable<std::vector<RegistryAnswer>> ask_registries(const config::Config& config, http::Client& http,
                                                            WorkerPool& workers, TimePoint deadline) {
  registry::RegistryClientOptions options;
  options.authorization.keychain = std::make_shared<credentials::Keychain>(workers, keychain_options(config));
  const auto executor = co_await asio::this_coro::executor;
  const auto round = std::make_shared<Round>(executor, http, std::move(options));
  round->entries = registry_entries(config);
  round->answers.resize(round->entries.size());
  round->pending = 2 * round->entries.size();
  for (std::size_t i = 0; i < round->entries.size(); ++i) {
    asio::co_spawn(executor, ask(round, i, deadline), asio::detached);
    asio::co_spawn(executor, look(round, i, deadline), asio::detached);
  }
  if (round->pending > 0) co_await round->all_answered.async_wait(asio::as_tuple(asio::use_awaitable));
  co_return std::move(round->answers);
}

}  // namespace shim::commands
