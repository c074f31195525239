#include "registry/authorizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "registry/token_request.h"

// GCC 12 at -O2 takes Asio's operator delete of a coroutine frame for the wrong one.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace shim::registry {

namespace asio = boost::asio;

namespace {

using TokenAnswer = std::expected<Token, Refusal>;

constexpr std::chrono::seconds kTokenTimeout{10};  // for all who wait; each of them has a deadline of his own

const Challenge* challenge_of(const std::vector<Challenge>& challenges, std::string_view scheme) {
  const auto found = std::ranges::find(challenges, scheme, &Challenge::scheme);
  return found == challenges.end() ? nullptr : &*found;
}

std::string pull_scope(const std::string& repository) {
  return repository.empty() ? "" : "repository:" + repository + ":pull";
}

Secret bearer_authorization(const Secret& token) {
  return Secret(fmt::format("Bearer {}", token.reveal()));
}

Refusal refused(std::string reason) {
  return {Outcome::Kind::refused, std::move(reason), Health{.kind = Health::Kind::answered}};
}

// A 400 of a token endpoint is an invalid grant (RFC 6749 §5.2), or, as a 404, 401 or 405, how one that knows no grants
// says so.
bool may_know_no_grants(int status) {
  return status == 400 || status == 401 || status == 404 || status == 405;
}

TokenAnswer token_of(const std::expected<http::Response, http::Failure>& response, const http::Url& realm,
                     const credentials::Credential& credential) {
  if (!response) {
    Refusal refusal = refusal_of_failure(response.error());
    refusal.reason = "token endpoint " + refusal.reason;
    return std::unexpected(std::move(refusal));
  }
  const std::string endpoint = "token endpoint " + realm.origin();
  if (response->status == 400 && !credential.is_anonymous()) {
    return std::unexpected(refusal_of_status(401, endpoint, credential));
  }
  if (response->status == 401 || response->status == 403) {
    return std::unexpected(refusal_of_status(response->status, endpoint, credential));
  }
  if (response->status != 200) {
    return std::unexpected(Refusal{Outcome::Kind::failed,
                                   fmt::format("{} from {}", status_text(response->status), endpoint),
                                   health_of_answer(*response)});
  }
  auto token = parse_token(response->body);
  if (!token) {
    return std::unexpected(
        Refusal{Outcome::Kind::failed, endpoint + ": " + token.error().message, Health{.kind = Health::Kind::failed}});
  }
  return std::move(*token);
}

asio::awaitable<TokenAnswer> request_token(http::Client& http, const http::Url& realm, const TokenKey& key,
                                           const http::TlsOptions& tls) {
  auto request = token_request(realm, key, tls);
  request.timeout = kTokenTimeout;
  const bool is_grant = request.method == http::Method::post;
  auto response = co_await http.request(std::move(request));
  if (is_grant && response && may_know_no_grants(response->status)) {
    auto second = token_request_without_grant(realm, key, tls);
    second.timeout = kTokenTimeout;
    response = co_await http.request(std::move(second));
  }
  co_return token_of(response, realm, key.credential);
}

// Kept before anybody is told, so that who asks next does not fetch another.
asio::awaitable<TokenAnswer> fetch_token(http::Client& http, http::Url realm, TokenKey key, http::TlsOptions tls,
                                         std::shared_ptr<TokenCache> tokens, std::chrono::seconds max_age,
                                         std::function<Clock::time_point()> now) {
  auto token = co_await request_token(http, realm, key, tls);
  if (!token) co_return token;
  // Given up a little early, so that it does not expire on its way.
  const auto age = std::min<std::chrono::milliseconds>(token->lifetime * 9 / 10, max_age);
  tokens->store(key, token->value, now() + age);
  co_return token;
}

}  // namespace

std::chrono::milliseconds time_until(Clock::time_point deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
  return std::max(left, std::chrono::milliseconds(0));
}

Authorizer::Authorizer(http::Client& http, Options options)
    : http_(http), options_(std::move(options)), tokens_(std::make_shared<TokenCache>(options_.max_tokens)) {}

void Authorizer::take_over(const Authorizer& former, const std::set<std::string>& registries) {
  if (options_.max_token_age == former.options_.max_token_age) tokens_->copy(*former.tokens_, registries);
  for (const std::string& registry : registries) {
    if (const auto found = former.wanted_.find(registry); found != former.wanted_.end()) wanted_.insert(*found);
    const auto last = former.last_credentials_.find(registry);
    if (last != former.last_credentials_.end()) last_credentials_.insert(*last);
  }
}

asio::awaitable<std::expected<credentials::Credential, Refusal>> Authorizer::find(const Entry& entry,
                                                                                  const Question& question,
                                                                                  Clock::time_point deadline) {
  auto credential = co_await options_.keychain->find(question, deadline);
  if (!credential) {
    co_return std::unexpected(Refusal{Outcome::Kind::failed, std::move(credential.error().message), Health()});
  }
  last_credentials_.insert_or_assign(entry.address.api_url(), *credential);
  co_return std::move(*credential);
}

credentials::Credential Authorizer::last_credential(const Entry& entry) const {
  if (entry.credential) return *entry.credential;
  const auto found = last_credentials_.find(entry.address.api_url());
  return found == last_credentials_.end() ? credentials::Credential() : found->second;
}

asio::awaitable<std::expected<std::optional<Authorization>, Refusal>> Authorizer::known(const Entry& entry,
                                                                                        const std::string& repository,
                                                                                        Clock::time_point deadline) {
  const auto found = wanted_.find(entry.address.api_url());
  if (found == wanted_.end()) co_return std::nullopt;
  const Wanted wanted = found->second;
  const auto question = credential_question(entry, repository);
  auto credential = co_await find(entry, question, deadline);
  if (!credential) co_return std::unexpected(std::move(credential.error()));
  if (wanted.is_basic) {
    if (credential->is_anonymous() || !credential->identity_token.empty()) co_return std::nullopt;
    auto value = credentials::basic_authorization(*credential);
    co_return Authorization{.value = std::move(value), .is_fresh = false, .credential = std::move(*credential)};
  }
  const TokenKey key{.realm = wanted.realm,
                     .service = wanted.service,
                     .scope = pull_scope(repository),
                     .credential = std::move(*credential),
                     .registry = entry.address.api_url()};
  const auto token = tokens_->find(key, options_.now());
  if (!token) co_return std::nullopt;
  co_return Authorization{.value = bearer_authorization(*token), .is_fresh = false, .credential = key.credential};
}

asio::awaitable<std::expected<Authorization, Refusal>> Authorizer::answer(const Entry& entry,
                                                                          const std::string& repository,
                                                                          const http::Headers& unauthorized,
                                                                          const std::optional<Authorization>& rejected,
                                                                          Clock::time_point deadline) {
  const auto challenges = parse_challenges(unauthorized.all("WWW-Authenticate"));
  const Challenge* wants_bearer = challenge_of(challenges, "bearer");
  if (!wants_bearer && !challenge_of(challenges, "basic")) {
    co_return std::unexpected(refused(
        fmt::format("401 Unauthorized: {} asks for neither Basic nor Bearer credentials", entry.address.host())));
  }
  const auto question = credential_question(entry, repository);
  const bool refuses_credential =
      rejected && (rejected->is_fresh ||
                   (!wants_bearer && rejected->value == credentials::basic_authorization(rejected->credential)));
  if (refuses_credential) options_.keychain->refused(question, rejected->credential);
  auto credential = co_await find(entry, question, deadline);
  if (!credential) co_return std::unexpected(std::move(credential.error()));
  if (refuses_credential && *credential == rejected->credential) {
    co_return std::unexpected(refusal_of_status(401, entry.address.host(), *credential));
  }
  if (!wants_bearer) co_return basic(entry, *credential);
  co_return co_await bearer(entry, question, *wants_bearer, std::move(*credential), rejected, deadline);
}

std::expected<Authorization, Refusal> Authorizer::basic(const Entry& entry, const credentials::Credential& credential) {
  wanted_[entry.address.api_url()] = {.is_basic = true, .realm = {}, .service = {}};
  if (credential.is_anonymous()) {
    return std::unexpected(refusal_of_status(401, entry.address.host(), credential));
  }
  if (!credential.identity_token.empty()) {
    return std::unexpected(refused(
        fmt::format("401 Unauthorized: {} asks for a user name and password, and an identity token is configured",
                    entry.address.host())));
  }
  return Authorization{
      .value = credentials::basic_authorization(credential), .is_fresh = true, .credential = credential};
}

asio::awaitable<std::expected<Authorization, Refusal>> Authorizer::bearer(const Entry& entry, const Question& question,
                                                                          const Challenge& challenge,
                                                                          credentials::Credential credential,
                                                                          const std::optional<Authorization>& rejected,
                                                                          Clock::time_point deadline) {
  const auto realm = trusted_realm(challenge.find("realm").value_or(""), entry);
  if (!realm) {
    co_return std::unexpected(
        refused(fmt::format("401 Unauthorized: {}: {}", entry.address.host(), realm.error().message)));
  }
  TokenKey key{.realm = realm->text(),
               .service = std::string(challenge.find("service").value_or("")),
               .scope = std::string(challenge.find("scope").value_or(pull_scope(question.repository))),
               .credential = std::move(credential),
               .registry = entry.address.api_url()};
  wanted_[entry.address.api_url()] = {.is_basic = false, .realm = key.realm, .service = key.service};
  if (const auto token = tokens_->find(key, options_.now())) {
    Authorization cached{.value = bearer_authorization(*token), .is_fresh = false, .credential = key.credential};
    if (!rejected || rejected->value != cached.value) co_return cached;
  }
  auto token = co_await fetch(entry, *realm, key, deadline);
  if (!token && token.error().kind == Outcome::Kind::refused) {
    options_.keychain->refused(question, key.credential);
    auto again = co_await find(entry, question, deadline);
    if (!again) co_return std::unexpected(std::move(again.error()));
    if (*again == key.credential) co_return std::unexpected(std::move(token.error()));
    key.credential = std::move(*again);
    token = co_await fetch(entry, *realm, key, deadline);
  }
  if (!token) co_return std::unexpected(std::move(token.error()));
  co_return Authorization{
      .value = bearer_authorization(token->value), .is_fresh = true, .credential = std::move(key.credential)};
}

asio::awaitable<Authorizer::TokenAnswer> Authorizer::fetch(const Entry& entry, const http::Url& realm,
                                                           const TokenKey& key, Clock::time_point deadline) {
  auto start = [this, &entry, &realm, &key] {  // called before join() waits
    return fetch_token(http_, realm, key, entry.tls, tokens_, options_.max_token_age, options_.now);
  };
  auto answer = co_await fetching_.join(key, std::move(start), deadline);
  if (answer) co_return std::move(*answer);
  const http::Failure failure{{fmt::format("{} has not answered in time", realm.origin())},
                              http::Failure::Kind::timed_out};
  Refusal refusal = refusal_of_failure(failure);
  refusal.reason = "token endpoint " + refusal.reason;
  co_return std::unexpected(std::move(refusal));
}

}  // namespace shim::registry
