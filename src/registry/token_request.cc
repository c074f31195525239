#include "registry/token_request.h"

#include <fmt/format.h>

#include <string>
#include <utility>

#include "base/text.h"

namespace shim::registry {
namespace {

constexpr std::size_t kMaxAnswerBytes = 256 * 1024;

std::string with_parameter(std::string text, std::string_view name, std::string_view value) {
  if (value.empty()) return text;
  const char separator = text.find('?') == std::string::npos ? '?' : '&';
  return fmt::format("{}{}{}={}", text, separator, name, http::percent_encoded(value));
}

// RFC 6749 §6, as registries know it: `service` and `scope` beside the grant.
Secret refresh_grant(const TokenKey& key) {
  return Secret(fmt::format("grant_type=refresh_token&client_id=image-cri-shim&service={}&scope={}&refresh_token={}",
                            http::percent_encoded(key.service), http::percent_encoded(key.scope),
                            http::percent_encoded(key.credential.identity_token.reveal())));
}

http::Request request_to(const http::Url& realm, const http::TlsOptions& tls) {
  http::Request request;
  request.url = realm.text();
  request.tls = tls;
  request.max_body_bytes = kMaxAnswerBytes;
  request.headers.add("Accept", "application/json");
  return request;
}

http::Request token_get(const http::Url& realm, const TokenKey& key, const credentials::Credential& credential,
                        const http::TlsOptions& tls) {
  http::Request request = request_to(realm, tls);
  request.url = with_parameter(std::move(request.url), "service", key.service);
  request.url = with_parameter(std::move(request.url), "scope", key.scope);
  if (credential.is_anonymous()) return request;
  request.url = with_parameter(std::move(request.url), "account", credential.username);
  request.authorization = credentials::basic_authorization(credential);
  return request;
}

}  // namespace

Expected<http::Url> trusted_realm(std::string_view realm, const Entry& entry) {
  auto url = http::Url::parse(realm);
  if (!url) return fail("it names the token endpoint " + in_quotes(realm) + ": " + url.error().message);
  if (url->is_secure()) return url;
  const auto own = http::Url::parse(entry.address.api_url());
  if (own && !own->is_secure() && own->host() == url->host()) return url;
  return fail(fmt::format("it names the token endpoint {}, which is plain HTTP: credentials are not sent there",
                          url->origin()));
}

http::Request token_request(const http::Url& realm, const TokenKey& key, const http::TlsOptions& tls) {
  if (key.credential.identity_token.empty()) return token_get(realm, key, key.credential, tls);
  http::Request request = request_to(realm, tls);
  request.method = http::Method::post;
  request.content_type = "application/x-www-form-urlencoded";
  request.body = refresh_grant(key);
  return request;
}

http::Request token_request_without_grant(const http::Url& realm, const TokenKey& key, const http::TlsOptions& tls) {
  return token_get(realm, key, {.username = key.credential.username, .password = key.credential.identity_token}, tls);
}

}  // namespace shim::registry
