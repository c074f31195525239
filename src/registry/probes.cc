#include "registry/probes.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <exception>
#include <utility>

// GCC 12 at -O2 takes Asio's operator delete of a coroutine frame for the wrong one.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace shim::registry {

namespace asio = boost::asio;

Probes::Probes(std::vector<Entry> entries, Options options, http::Client& http, asio::any_io_executor executor,
               const Probes* former)
    : entries_(std::move(entries)),
      options_(options),
      executor_(std::move(executor)),
      client_(std::make_shared<RegistryClient>(
          http, RegistryClientOptions{.authorization = {.max_token_age = options.max_token_age,
                                                        .keychain = options.keychain}})),
      answers_(options.cache),
      circuits_(entries_, {.breaker = options.breaker, .probe_timeout = options.timeout}, client_, executor_,
                former ? &former->circuits_ : nullptr),
      flights_(entries_.size()),
      counts_(entries_.size()) {}

std::size_t Probes::number_of(const Entry& entry) const {
  return static_cast<std::size_t>(&entry - entries_.data());
}

void Probes::ask(const std::string& reference, const Candidate& candidate, const std::shared_ptr<Inbox>& inbox,
                 std::size_t sender) {
  const auto [flight, is_new] = flights_[number_of(*candidate.entry)].try_emplace(reference);
  flight->second.passengers.push_back({inbox, sender});
  if (is_new) asio::co_spawn(executor_, fly(shared_from_this(), reference, candidate), asio::detached);
}

asio::awaitable<void> Probes::fly(std::shared_ptr<Probes> self, std::string reference, Candidate candidate) {
  const auto began = Clock::now();
  Outcome outcome{.source = candidate.entry->address.text(), .name = candidate.name, .kind = Outcome::Kind::failed};
  try {
    outcome = co_await self->client_->probe(*candidate.entry, candidate, began + self->options_.timeout);
  } catch (const std::exception& error) {
    outcome.reason = error.what();
  }
  const auto elapsed = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - began);
  self->land(reference, self->number_of(*candidate.entry), outcome, elapsed);
}

void Probes::land(const std::string& reference, std::size_t entry, const Outcome& outcome,
                  std::chrono::microseconds elapsed) {
  answers_.store(reference, entry, outcome, Clock::now());
  circuits_.record(entry, outcome);
  Counts& counts = counts_[entry];
  ++counts.probes[static_cast<std::size_t>(outcome.kind)];
  if (outcome.health.kind == Health::Kind::answered) counts.last_latency = elapsed;
  const auto flight = flights_[entry].extract(reference);
  for (const Flight::Passenger& passenger : flight.mapped().passengers) {
    if (const auto inbox = passenger.inbox.lock()) inbox->deliver({passenger.sender, outcome, elapsed});
  }
}

void Probes::pull_failed(const std::string& reference, const Candidate& candidate) {
  ++counts_of(candidate).pulls_failed;
  if (!candidate.entry) return;
  answers_.forget(reference, number_of(*candidate.entry));
  circuits_.suspect(number_of(*candidate.entry));
}

void Probes::pull_succeeded(const Candidate& candidate) {
  ++counts_of(candidate).pulls_succeeded;
}

Probes::Counts& Probes::counts_of(const Candidate& candidate) {
  return candidate.entry ? counts_[number_of(*candidate.entry)] : original_counts_;
}

RegistryStatistics Probes::statistics_of(std::string registry, const Counts& counts) {
  return {.registry = std::move(registry),
          .probes = counts.probes,
          .pulls_succeeded = counts.pulls_succeeded,
          .pulls_failed = counts.pulls_failed,
          .last_latency = counts.last_latency};
}

Statistics Probes::statistics() const {
  Statistics statistics{.cache = answers_.statistics(),
                        .registries = {},
                        .original = statistics_of("", original_counts_),
                        .failovers = failovers_};
  for (std::size_t entry = 0; entry < entries_.size(); ++entry) {
    statistics.registries.push_back(statistics_of(entries_[entry].address.text(), counts_[entry]));
    statistics.registries.back().breaker = circuits_.status(entry);
  }
  return statistics;
}

}  // namespace shim::registry
