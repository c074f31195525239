#include "registry/probes.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <exception>
#include <utility>

#include "base/text.h"
#include "registry/succession.h"

// GCC 12 at -O2 takes Asio's operator delete of a coroutine frame for the wrong one.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace shim::registry {

namespace asio = boost::asio;

namespace {

constexpr std::size_t kLongestFailure = 1024;  // octets of what is kept of one

void note_failure(RegistryStatistics& counts, const std::string& reason) {
  counts.last_failure = printable(reason, kLongestFailure);
  counts.failed_at = std::chrono::system_clock::now();
}

void note(RegistryStatistics& counts, const Outcome& outcome) {
  switch (outcome.kind) {
    case Outcome::Kind::holds:
    case Outcome::Kind::absent:
    case Outcome::Kind::other_platform:
      counts.is_failing = false;
      break;
    default:
      counts.is_failing = counts.is_failing || outcome.kind == Outcome::Kind::refused;
      note_failure(counts, outcome.reason);
  }
}

}  // namespace

Probes::Probes(std::vector<Entry> entries, Options options, http::Client& http, asio::any_io_executor executor,
               Probes* former)
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
      tally_(entries_, former ? &former->tally_ : nullptr) {
  if (former) take_over(*former);
}

void Probes::take_over(Probes& former) {
  options_.keychain->take_over(*former.options_.keychain);
  const Succession unchanged =
      succession(former.entries_, entries_, options_.keychain->has_same_sources(*former.options_.keychain));
  answers_.take_over(former.answers_, unchanged.entries);
  client_->take_over(*former.client_, unchanged.registries);
}

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
  RegistryStatistics& counts = tally_.of(entry);
  ++counts.probes[static_cast<std::size_t>(outcome.kind)];
  if (outcome.health.kind == Health::Kind::answered) {
    counts.last_latency = elapsed;
    counts.probe_durations.count(elapsed);
  }
  note(counts, outcome);
  const auto flight = flights_[entry].extract(reference);
  for (const Flight::Passenger& passenger : flight.mapped().passengers) {
    if (const auto inbox = passenger.inbox.lock()) inbox->deliver({passenger.sender, outcome, elapsed});
  }
}

void Probes::pull_failed(const std::string& reference, const Candidate& candidate, const std::string& reason) {
  RegistryStatistics& counts = counts_of(candidate);
  ++counts.pulls_failed;
  counts.is_failing = true;
  note_failure(counts, reason);
  if (!candidate.entry) return;
  answers_.forget(reference, number_of(*candidate.entry));
  circuits_.suspect(number_of(*candidate.entry));
}

void Probes::pull_succeeded(const Candidate& candidate, std::chrono::nanoseconds elapsed) {
  RegistryStatistics& counts = counts_of(candidate);
  ++counts.pulls_succeeded;
  counts.pull_durations.count(elapsed);
  counts.is_failing = false;
}

RegistryStatistics& Probes::counts_of(const Candidate& candidate) {
  return candidate.entry ? tally_.of(number_of(*candidate.entry)) : tally_.original();
}

Statistics Probes::statistics() const {
  Statistics statistics = tally_.statistics();
  statistics.cache = answers_.statistics();
  for (std::size_t entry = 0; entry < entries_.size(); ++entry) {
    statistics.registries[entry].breaker = circuits_.status(entry);
  }
  return statistics;
}

}  // namespace shim::registry
