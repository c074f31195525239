#include "registry/authorizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "registry/token_request.h"

namespace shim::registry {

namespace asio = boost::asio;

namespace {

const Challenge* challenge_of(const std::vector<Challenge>& challenges, std::string_view scheme) {
  const auto found = std::ranges::find(challenges, scheme, &Challenge::scheme);
  return found == challenges.end() ? nullptr : &*found;
}

std::string pull_scope(const std::string& repository) {
  return repository.empty() ? "" : "repository:" + repository + ":pull";
}

std::expected<Secret, Refusal> basic(const credentials::Credential& credential) {
  const auto read = credentials::with_password_read(credential);
  if (!read) return std::unexpected(Refusal{Outcome::Kind::failed, read.error().message});
  return credentials::basic_authorization(*read);
}

Secret bearer_authorization(const Secret& token) {
  return Secret(fmt::format("Bearer {}", token.reveal()));
}

Refusal refused(std::string reason) {
  return {Outcome::Kind::refused, std::move(reason), Health{.kind = Health::Kind::answered}};
}

}  // namespace

std::chrono::milliseconds time_until(Clock::time_point deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
  return std::max(left, std::chrono::milliseconds(0));
}

Authorizer::Authorizer(http::Client& http, Options options)
    : http_(http), options_(std::move(options)), tokens_(options_.max_tokens) {}

std::expected<std::optional<Authorization>, Refusal> Authorizer::known(const Entry& entry,
                                                                       const std::string& repository) const {
  const auto wanted = wanted_.find(entry.address.api_url());
  if (wanted == wanted_.end()) return std::nullopt;
  if (wanted->second.is_basic) {
    if (entry.credential.is_anonymous()) return std::nullopt;
    auto value = basic(entry.credential);
    if (!value) return std::unexpected(value.error());
    return Authorization{.value = std::move(*value), .is_fresh = false};
  }
  const TokenKey key{wanted->second.realm, wanted->second.service, pull_scope(repository), entry.credential};
  const auto token = tokens_.find(key, options_.now());
  if (!token) return std::nullopt;
  return Authorization{.value = bearer_authorization(*token), .is_fresh = false};
}

asio::awaitable<std::expected<Authorization, Refusal>> Authorizer::answer(const Entry& entry,
                                                                          const std::string& repository,
                                                                          const http::Headers& unauthorized,
                                                                          const std::optional<Authorization>& rejected,
                                                                          Clock::time_point deadline) {
  const auto challenges = parse_challenges(unauthorized.all("WWW-Authenticate"));
  const auto refusal = refusal_of_status(401, entry.address.host(), entry.credential);
  if (rejected && rejected->is_fresh) co_return std::unexpected(refusal);
  if (const Challenge* challenge = challenge_of(challenges, "bearer")) {
    co_return co_await bearer(entry, repository, *challenge, rejected, deadline);
  }
  if (!challenge_of(challenges, "basic")) {
    co_return std::unexpected(refused(
        fmt::format("401 Unauthorized: {} asks for neither Basic nor Bearer credentials", entry.address.host())));
  }
  wanted_[entry.address.api_url()] = {.is_basic = true, .realm = {}, .service = {}};
  if (entry.credential.is_anonymous()) co_return std::unexpected(refusal);
  if (!entry.credential.identity_token.empty()) {
    co_return std::unexpected(refused(
        fmt::format("401 Unauthorized: {} asks for a user name and password, and an identity token is configured",
                    entry.address.host())));
  }
  auto value = basic(entry.credential);
  if (!value) co_return std::unexpected(value.error());
  if (rejected && rejected->value == *value) co_return std::unexpected(refusal);
  co_return Authorization{.value = std::move(*value), .is_fresh = true};
}

asio::awaitable<std::expected<Authorization, Refusal>> Authorizer::bearer(const Entry& entry,
                                                                          const std::string& repository,
                                                                          const Challenge& challenge,
                                                                          const std::optional<Authorization>& rejected,
                                                                          Clock::time_point deadline) {
  const auto realm = trusted_realm(challenge.find("realm").value_or(""), entry);
  if (!realm) {
    co_return std::unexpected(
        refused(fmt::format("401 Unauthorized: {}: {}", entry.address.host(), realm.error().message)));
  }
  const TokenKey key{.realm = realm->text(),
                     .service = std::string(challenge.find("service").value_or("")),
                     .scope = std::string(challenge.find("scope").value_or(pull_scope(repository))),
                     .credential = entry.credential};
  wanted_[entry.address.api_url()] = {.is_basic = false, .realm = key.realm, .service = key.service};
  if (const auto token = tokens_.find(key, options_.now())) {
    Authorization cached{.value = bearer_authorization(*token), .is_fresh = false};
    if (!rejected || rejected->value != cached.value) co_return cached;
  }
  auto token = co_await fetch(entry, *realm, key, deadline);
  if (!token) co_return std::unexpected(token.error());
  Authorization fresh{.value = bearer_authorization(token->value), .is_fresh = true};
  // Given up a little early, so that it does not expire on its way.
  const auto age = std::min<std::chrono::milliseconds>(token->lifetime * 9 / 10, options_.max_token_age);
  tokens_.store(key, std::move(token->value), options_.now() + age);
  co_return fresh;
}

asio::awaitable<std::expected<Token, Refusal>> Authorizer::fetch(const Entry& entry, const http::Url& realm,
                                                                 const TokenKey& key, Clock::time_point deadline) {
  auto request = token_request(realm, key, entry.tls);
  if (!request) co_return std::unexpected(Refusal{Outcome::Kind::failed, request.error().message});
  request->timeout = time_until(deadline);
  const auto response = co_await http_.request(std::move(*request));
  if (!response) {
    Refusal refusal = refusal_of_failure(response.error());
    refusal.reason = "token endpoint " + refusal.reason;
    co_return std::unexpected(std::move(refusal));
  }
  const std::string endpoint = "token endpoint " + realm.origin();
  if (response->status == 400 && !entry.credential.is_anonymous()) {  // RFC 6749 §5.2: invalid_grant
    co_return std::unexpected(refusal_of_status(401, endpoint, entry.credential));
  }
  if (response->status == 401 || response->status == 403) {
    co_return std::unexpected(refusal_of_status(response->status, endpoint, entry.credential));
  }
  if (response->status != 200) {
    co_return std::unexpected(Refusal{Outcome::Kind::failed,
                                      fmt::format("{} from {}", status_text(response->status), endpoint),
                                      health_of_answer(*response)});
  }
  auto token = parse_token(response->body);
  if (!token) {
    co_return std::unexpected(
        Refusal{Outcome::Kind::failed, endpoint + ": " + token.error().message, Health{.kind = Health::Kind::failed}});
  }
  co_return std::move(*token);
}

}  // namespace shim::registry
