#include "registry/refusal.h"

#include <fmt/format.h>

#include "base/text.h"

namespace shim::registry {
namespace {

std::string who(const credentials::Credential& credential) {
  if (!credential.identity_token.empty()) return "the identity token";
  return "user " + in_quotes(credential.username);
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
    return {Outcome::Kind::refused, start + " wants credentials and none are configured: set auth"};
  }
  return {Outcome::Kind::refused,
          status == 403 ? fmt::format("{} does not let {} read it", start, who(credential))
                        : fmt::format("{} refused {}: wrong credentials, or no access to it", start, who(credential))};
}

Refusal refusal_of_failure(const http::Failure& failure) {
  using enum http::Failure::Kind;
  const bool was_answered = failure.kind == too_large;
  return {was_answered ? Outcome::Kind::failed : Outcome::Kind::unreachable, failure.message};
}

}  // namespace shim::registry
