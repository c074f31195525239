// The clauses that say why a registry did not answer with an image. Pure; names of users are shown, secrets never.
#pragma once

#include <string>
#include <string_view>

#include "credentials/credential.h"
#include "http/client.h"
#include "registry/outcome.h"

namespace shim::registry {

// Why there is nothing to judge: an Outcome without its names.
struct Refusal {
  Outcome::Kind kind = Outcome::Kind::failed;
  std::string reason;
  Health health{};
};

// `404 Not Found`; a status without a known phrase is its number.
std::string status_text(int status);
// 401 or 403 of `host`: who was refused, and what to do.
Refusal refusal_of_status(int status, std::string_view host, const credentials::Credential& credential);
// No answer.
Refusal refusal_of_failure(const http::Failure& failure);
// No answer from the host of `url`, without its name: who shows the reason names the registry already.
Refusal refusal_of_host(const http::Failure& failure, std::string_view url);
// What an answer shows about the health of who gave it.
Health health_of_answer(const http::Response& response);

}  // namespace shim::registry
