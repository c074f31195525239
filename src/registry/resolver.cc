#include "registry/resolver.h"

#include <boost/asio/error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/system/system_error.hpp>
#include <utility>

#include "registry/client.h"

namespace shim::registry {

namespace asio = boost::asio;

namespace {

struct Source {
  Candidate candidate;
  std::optional<Outcome> outcome;  // once asked or offered
  bool is_offered = false;
};

std::string source_name(const Candidate& candidate, const image::Reference& reference) {
  return candidate.entry ? candidate.entry->address.text() : reference.host();
}

}  // namespace

// What all Resolutions of one configuration share, and what their candidates borrow from.
struct Resolver::Shared {
  Shared(std::vector<Entry> configured, ResolverOptions chosen, http::Client& http)
      : entries(std::move(configured)),
        entries_of_all_namespaces(without_namespaces(entries)),
        options(chosen),
        client(http, {.authorization = {.max_token_age = chosen.max_token_age, .keychain = chosen.keychain}}) {}

  static std::vector<Entry> without_namespaces(std::vector<Entry> entries) {
    for (Entry& entry : entries) entry.rule.namespaces.clear();
    return entries;
  }

  const std::vector<Entry> entries;
  const std::vector<Entry> entries_of_all_namespaces;  // what names() looks through
  const ResolverOptions options;
  RegistryClient client;
};

struct Resolution::State {
  std::shared_ptr<Resolver::Shared> shared;
  image::Reference reference;
  ResolveRequest request;
  std::vector<Source> sources{};
  std::vector<std::string> warnings{};
  Source* last_offered = nullptr;

  // The kubelet's own credentials decide at the original host; an anonymous 404 must not stand in their way.
  bool is_left_to_caller(const Source& source) const {
    return source.candidate.is_original && request.caller_sent_credentials;
  }
  asio::awaitable<bool> ask(Source& source, Clock::time_point deadline);
  Candidate offer(Source& source, std::string_view reason_if_not_asked);
};

// False where the coroutine was cancelled meanwhile.
asio::awaitable<bool> Resolution::State::ask(Source& source, Clock::time_point deadline) {
  try {
    Outcome outcome = co_await shared->client.probe(*source.candidate.entry, source.candidate, deadline);
    const auto cancellation = co_await asio::this_coro::cancellation_state;
    if (cancellation.cancelled() != asio::cancellation_type::none) co_return false;
    source.outcome = std::move(outcome);
    co_return true;
  } catch (const boost::system::system_error&) {  // how Asio ends a cancelled coroutine between two waits
    co_return false;
  }
}

Candidate Resolution::State::offer(Source& source, std::string_view reason_if_not_asked) {
  source.is_offered = true;
  last_offered = &source;
  if (!source.outcome) {
    source.outcome = Outcome{.source = source_name(source.candidate, reference),
                             .name = source.candidate.name,
                             .kind = Outcome::Kind::not_asked,
                             .reason = std::string(reason_if_not_asked)};
  }
  return source.candidate;
}

Resolution::Resolution(std::unique_ptr<State> state) : state_(std::move(state)) {}
Resolution::~Resolution() = default;

asio::awaitable<std::optional<Candidate>> Resolution::next() {
  State& state = *state_;
  const auto deadline = Clock::now() + state.shared->options.probe_timeout;
  for (Source& source : state.sources) {
    if (source.is_offered || !source.candidate.entry) continue;
    if (state.is_left_to_caller(source)) co_return state.offer(source, "the caller's own credentials");
    if (!source.outcome) {
      if (Clock::now() >= deadline) break;
      if (!co_await state.ask(source, deadline)) co_return std::nullopt;
    }
    if (source.outcome->kind == Outcome::Kind::holds) co_return state.offer(source, {});
  }
  for (Source& source : state.sources) {
    const bool is_ruled_out = source.outcome && source.outcome->rules_out_pull;
    if (source.is_offered || !source.candidate.entry || is_ruled_out) continue;
    co_return state.offer(source, "no time was left to ask it");
  }
  for (Source& source : state.sources) {
    if (!source.is_offered && !source.candidate.entry) co_return state.offer(source, "the original reference");
  }
  co_return std::nullopt;
}

void Resolution::pull_failed(std::string reason) {
  if (!state_->last_offered) return;
  Outcome& outcome = *state_->last_offered->outcome;
  // What the registry itself said (a wrong password) is worth more than what the runtime makes of it.
  outcome.reason = outcome.kind == Outcome::Kind::refused ? outcome.reason + "; the runtime: " + reason : reason;
  outcome.kind = Outcome::Kind::pull_failed;
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

Resolver::Resolver(std::vector<Entry> entries, ResolverOptions options, http::Client& http)
    : shared_(std::make_shared<Shared>(std::move(entries), options, http)) {}
Resolver::~Resolver() = default;

bool Resolver::has_entries() const {
  return !shared_->entries.empty();
}

credentials::Keychain& Resolver::keychain() const {
  return *shared_->options.keychain;
}

std::unique_ptr<Resolution> Resolver::resolve(const image::Reference& reference, ResolveRequest request) const {
  Selection selection =
      select_candidates(reference, shared_->entries, request.pod_namespace, shared_->options.fallback);
  auto state = std::make_unique<Resolution::State>(
      Resolution::State{.shared = shared_, .reference = reference, .request = std::move(request)});
  state->warnings = std::move(selection.warnings);
  for (Candidate& candidate : selection.candidates) {
    state->sources.push_back({.candidate = std::move(candidate), .outcome = std::nullopt});
  }
  return std::make_unique<Resolution>(std::move(state));
}

std::vector<Candidate> Resolver::names(const image::Reference& reference) const {
  return select_candidates(reference, shared_->entries_of_all_namespaces, {}, shared_->options.fallback).candidates;
}

}  // namespace shim::registry
