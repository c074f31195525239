#include "registry/refusal.h"

#include <fmt/format.h>

#include <chrono>

#include "base/text.h"
#include "http/url.h"

namespace shim::registry {
namespace {

constexpr Health kAnswered{.kind = Health::Kind::answered};

std::string who(const credentials::Credential& credential) {
  if (!credential.identity_token.empty()) return "the identity token";
  return "user " + in_quotes(credential.username);
}

// What never left this node shows nothing about the peer.
Health::Kind health_kind(http::Failure::Kind kind) {
  using enum http::Failure::Kind;
  if (kind == timed_out) return Health::Kind::timed_out;
  return kind == unreachable || kind == tls || kind == too_large ? Health::Kind::failed : Health::Kind::unknown;
}

}  // namespace

std::string status_text(int status) {
  switch (status) {
    case 400:
      return "400 Bad Request";
    case 401:
      return "401 Unauthorized";
    case 403:
      return "403 Forbidden";
    case 404:
      return "404 Not Found";
    case 405:
      return "405 Method Not Allowed";
    case 429:
      return "429 Too Many Requests";
    case 500:
      return "500 Internal Server Error";
    case 501:
      return "501 Not Implemented";
    case 502:
      return "502 Bad Gateway";
    case 503:
      return "503 Service Unavailable";
    case 504:
      return "504 Gateway Timeout";
    default:
      return std::to_string(status);
  }
}

Refusal refusal_of_status(int status, std::string_view host, const credentials::Credential& credential) {
  const std::string start = status_text(status) + ": " + std::string(host);
  if (credential.is_anonymous()) {
    return {Outcome::Kind::refused, start + " wants credentials and none are configured: set auth", kAnswered};
  }
  return {Outcome::Kind::refused,
          status == 403 ? fmt::format("{} does not let {} read it", start, who(credential))
                        : fmt::format("{} refused {}: wrong credentials, or no access to it", start, who(credential)),
          kAnswered};
}

Refusal refusal_of_failure(const http::Failure& failure) {
  const bool was_answered = failure.kind == http::Failure::Kind::too_large;
  return {was_answered ? Outcome::Kind::failed : Outcome::Kind::unreachable, failure.message,
          Health{.kind = health_kind(failure.kind), .was_reached = failure.was_connected}};
}

Refusal refusal_of_host(const http::Failure& failure, std::string_view url) {
  Refusal refusal = refusal_of_failure(failure);
  const auto parsed = http::Url::parse(url);
  const std::string name = parsed ? parsed->origin() + ": " : "";
  if (refusal.reason.starts_with(name)) refusal.reason.erase(0, name.size());
  return refusal;
}

Health health_of_answer(const http::Response& response) {
  return health_of_status(response.status, response.headers.find("Retry-After").value_or(""),
                          std::chrono::system_clock::now());
}

}  // namespace shim::registry
