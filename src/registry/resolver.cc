#include "registry/resolver.h"

#include <algorithm>
#include <utility>

#include "registry/probes.h"
#include "registry/resolution_state.h"

// GCC 12 at -O2 takes Asio's operator delete of a coroutine frame for the wrong one.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace shim::registry {

namespace asio = boost::asio;

namespace {

std::vector<Entry> without_namespaces(std::vector<Entry> entries) {
  for (Entry& entry : entries) entry.rule.namespaces.clear();
  return entries;
}

Probes::Options probe_options(const ResolverOptions& options) {
  return {.timeout = options.probe_timeout,
          .breaker = options.breaker,
          .cache = options.cache,
          .max_token_age = options.max_token_age,
          .keychain = options.keychain};
}

}  // namespace

Resolution::Resolution(std::unique_ptr<State> state) : state_(std::move(state)) {}
Resolution::~Resolution() = default;

asio::awaitable<std::optional<Candidate>> Resolution::next() {
  State& state = *state_;
  const auto began = Clock::now();
  const auto deadline = state.request.deadline.value_or(Clock::time_point::max());
  state.want();
  Race race = state.line_up(began);
  for (auto now = began;; now = Clock::now()) {
    if (now - began >= state.options.probe_timeout || now >= deadline) state.note_silence(now);
    if (now >= deadline) co_return std::nullopt;
    const Race::Step step = race.step(now);
    for (const std::size_t source : step.ask) state.ask(source, now);
    if (step.take) co_return state.take(*step.take);
    if (step.is_over) co_return std::nullopt;
    if (!co_await state.inbox->wait_until(std::min(*step.wait_until, deadline))) co_return std::nullopt;
    for (const std::size_t source : state.read_inbox()) race.answered(source, *state.answer_of(state.sources[source]));
  }
}

void Resolution::pull_failed(std::string reason) {
  if (!state_->last_taken) return;
  state_->read_inbox();  // its probe may have ended during the pull
  Outcome& outcome = *state_->last_taken->outcome;
  // What the probe found (a wrong password, an unknown authority) is worth more than what the runtime makes of it.
  const bool has_found = outcome.kind == Outcome::Kind::refused || outcome.kind == Outcome::Kind::unreachable ||
                         outcome.kind == Outcome::Kind::failed;
  outcome.reason = has_found ? outcome.reason + "; the runtime: " + reason : std::move(reason);
  outcome.kind = Outcome::Kind::pull_failed;
  state_->has_failed = true;
  state_->probes->pull_failed(state_->canonical, state_->last_taken->candidate, outcome.reason);
}

void Resolution::pull_succeeded() {
  if (!state_->last_taken) return;
  state_->probes->pull_succeeded(state_->last_taken->candidate, Clock::now() - state_->taken_at);
}

std::vector<Outcome> Resolution::outcomes() const {
  std::vector<Outcome> outcomes;
  for (const Source& source : state_->sources) {
    if (source.outcome) outcomes.push_back(*source.outcome);
  }
  return outcomes;
}

const std::vector<std::string>& Resolution::warnings() const {
  return state_->warnings;
}

Resolver::Resolver(std::vector<Entry> entries, ResolverOptions options, http::Client& http,
                   asio::any_io_executor executor, const Resolver* former)
    : entries_of_all_namespaces_(without_namespaces(entries)),
      options_(options),
      probes_(std::make_shared<Probes>(std::move(entries), probe_options(options), http, std::move(executor),
                                       former ? former->probes_.get() : nullptr)) {}

Resolver::~Resolver() {
  probes_->circuits().stop();
}

const std::vector<Entry>& Resolver::entries() const {
  return probes_->entries();
}

bool Resolver::has_entries() const {
  return !probes_->entries().empty();
}

std::unique_ptr<Resolution::State> Resolver::begin(const image::Reference& reference, ResolveRequest request) const {
  Selection selection = select_candidates(reference, probes_->entries(), request.pod_namespace, options_.fallback);
  return std::make_unique<Resolution::State>(probes_, options_, reference, std::move(request), std::move(selection));
}

credentials::Keychain& Resolver::keychain() const {
  return *options_.keychain;
}

std::unique_ptr<Resolution> Resolver::resolve(const image::Reference& reference, ResolveRequest request) const {
  return std::make_unique<Resolution>(begin(reference, std::move(request)));
}

std::vector<Candidate> Resolver::names(const image::Reference& reference) const {
  return select_candidates(reference, entries_of_all_namespaces_, {}, options_.fallback).candidates;
}

asio::awaitable<Explanation> Resolver::explain(const image::Reference& reference, ResolveRequest request) const {
  return registry::explain(begin(reference, std::move(request)));
}

Statistics Resolver::statistics() const {
  return probes_->statistics();
}

}  // namespace shim::registry
