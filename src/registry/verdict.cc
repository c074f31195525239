#include "registry/verdict.h"

#include <fmt/format.h>

#include <string>

#include "base/text.h"
#include "registry/manifest.h"
#include "registry/refusal.h"

namespace shim::registry {
namespace {

Verdict judge_found(const http::Response& response, std::string_view asked, std::string_view host) {
  const auto type = response.headers.find("Content-Type").value_or("");
  const auto digest = response.headers.find("Docker-Content-Digest").value_or("");
  if (is_html(type)) {
    return {Outcome::Kind::failed, fmt::format("200 OK with an HTML page: is {} a registry?", host), true};
  }
  if (is_digest(asked) && is_digest(digest) && digest != asked) {
    return {Outcome::Kind::failed, fmt::format("it answered with another digest, {}", digest), true};
  }
  if (is_manifest(type) || is_digest(digest)) return {Outcome::Kind::holds};
  return {Outcome::Kind::failed, "200 OK, but its answer is no manifest: " + in_quotes(type, 64)};
}

Verdict judge_other(const http::Response& response, std::string_view host) {
  std::string reason = fmt::format("{} from {}", status_text(response.status), host);
  if (const auto after = response.headers.find("Retry-After")) reason += ", Retry-After: " + printable(*after, 64);
  const bool wants_tls = response.status == 400 && (response.body.find("HTTPS server") != std::string::npos ||
                                                    response.body.find("HTTPS port") != std::string::npos);
  if (wants_tls) reason += fmt::format(": it speaks TLS: write https://{} in the address", host);
  return {Outcome::Kind::failed, std::move(reason)};
}

}  // namespace

Verdict judge_manifest(const http::Response& response, std::string_view asked, std::string_view host,
                       const credentials::Credential& credential) {
  switch (response.status) {
    case 200:
      return judge_found(response, asked, host);
    case 401:
    case 403: {
      Refusal refusal = refusal_of_status(response.status, host, credential);
      return {refusal.kind, std::move(refusal.reason)};
    }
    case 404: {
      const bool is_page = is_html(response.headers.find("Content-Type").value_or(""));
      return {Outcome::Kind::absent,
              is_page ? fmt::format("404 Not Found with an HTML page: is {} a registry?", host) : "404 Not Found",
              true};
    }
    default:
      return judge_other(response, host);
  }
}

Verdict judge_base(const http::Response& response, std::string_view host, const credentials::Credential& credential) {
  if (response.status == 200) return {Outcome::Kind::holds};
  if (response.status == 401 || response.status == 403) {
    Refusal refusal = refusal_of_status(response.status, host, credential);
    return {refusal.kind, std::move(refusal.reason)};
  }
  if (response.status == 404) return {Outcome::Kind::failed, fmt::format("404 Not Found: is {} a registry?", host)};
  return judge_other(response, host);
}

}  // namespace shim::registry
