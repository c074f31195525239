#include "fake_registry/protocol.h"

#include <openssl/evp.h>

#include <array>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <sstream>

namespace shim::test {
namespace {

using nlohmann::json;

constexpr std::string_view kBasic = "Basic ";
constexpr std::string_view kHtml = "<html><body>Welcome to nginx!</body></html>";

std::string base64_decoded(std::string_view text) {
  std::string decoded(text.size() / 4 * 3, '\0');
  const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(decoded.data()),
                                   reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
  if (size < 0) return {};
  decoded.resize(static_cast<std::size_t>(size));
  while (decoded.ends_with('\0')) decoded.pop_back();
  return decoded;
}

// The parameter of a query or form, decoded.
std::string parameter(const std::string& encoded, std::string_view name) {
  const std::string reference = "?" + encoded;
  const auto view = boost::urls::parse_uri_reference(reference);
  if (!view) return {};
  for (const auto& each : view->params()) {
    if (each.key == name) return each.value;
  }
  return {};
}

std::string query_of(const std::string& target) {
  const auto mark = target.find('?');
  return mark == std::string::npos ? "" : target.substr(mark + 1);
}

Answer html(int status) {
  return {status, {{"Content-Type", "text/html; charset=utf-8"}}, std::string(kHtml), {}};
}

Answer error(int status, const char* code) {
  return {status, {{"Content-Type", "application/json"}}, json{{"errors", {{{"code", code}}}}}.dump(), {}};
}

}  // namespace

std::string digest_of(const std::string& body) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  EVP_Digest(body.data(), body.size(), digest.data(), &size, EVP_sha256(), nullptr);
  std::string text = "sha256:";
  for (unsigned int i = 0; i < size; ++i) {
    std::array<char, 3> hex{};
    std::snprintf(hex.data(), hex.size(), "%02x", digest[i]);
    text += hex.data();
  }
  return text;
}

std::string user_of(const std::string& authorization) {
  if (!authorization.starts_with(kBasic)) return {};
  const std::string pair = base64_decoded(authorization.substr(kBasic.size()));
  return pair.substr(0, pair.find(':'));
}

Manifest image_manifest() {
  return {"application/vnd.oci.image.manifest.v1+json",
          json{{"schemaVersion", 2}, {"mediaType", "application/vnd.oci.image.manifest.v1+json"}}.dump()};
}

Manifest image_index(const std::vector<std::string>& platforms) {
  json manifests = json::array();
  for (const std::string& text : platforms) {
    std::istringstream parts(text);
    std::string os, architecture, variant;
    std::getline(parts, os, '/');
    std::getline(parts, architecture, '/');
    json platform{{"os", os}, {"architecture", architecture}};
    if (std::getline(parts, variant, '/')) platform["variant"] = variant;
    manifests.push_back({{"digest", digest_of(text)}, {"size", 2}, {"platform", platform}});
  }
  return {"application/vnd.oci.image.index.v1+json", json{{"schemaVersion", 2}, {"manifests", manifests}}.dump()};
}

void Protocol::put_manifest(const std::string& repository, const std::string& reference, Manifest manifest) {
  manifests_[{repository, digest_of(manifest.body)}] = manifest;
  manifests_[{repository, reference}] = std::move(manifest);
}

Answer Protocol::answer(const RecordedRequest& request) {
  constexpr std::string_view kApi = "/v2/";
  constexpr std::string_view kManifests = "/manifests/";
  const std::string path = request.target.substr(0, request.target.find('?'));
  if (path == "/token") return answer_token(request);
  if (path == kApi) return refuse(request, "").value_or(Answer{200, {}, "{}", {}});
  const auto manifests = path.rfind(kManifests);
  if (!path.starts_with(kApi) || manifests == std::string::npos || manifests < kApi.size()) return html(404);
  return answer_manifest(request, path.substr(kApi.size(), manifests - kApi.size()),
                         path.substr(manifests + kManifests.size()));
}

Answer Protocol::answer_manifest(const RecordedRequest& request, const std::string& repository,
                                 const std::string& reference) {
  const std::optional<Fault> fault = fault_of(repository);
  if (fault) {
    using enum Fault::Kind;
    if (fault->kind == html_404) return html(404);
    if (fault->kind == html_200) return html(200);
    if (fault->kind == redirect) return {307, {{"Location", fault->location}}, "", {}};
    if (fault->kind == head_refused && request.method == "HEAD") return {fault->status, {}, "", {}};
    if (fault->kind == status) {
      Answer answer = error(fault->status, "UNKNOWN");
      if (!fault->retry_after.empty()) answer.headers.emplace_back("Retry-After", fault->retry_after);
      return answer;
    }
  }
  if (auto refused = refuse(request, repository)) return *refused;
  const auto found = manifests_.find({repository, reference});
  Answer answer = found == manifests_.end()
                      ? error(404, "MANIFEST_UNKNOWN")
                      : Answer{200, {{"Content-Type", found->second.media_type}}, found->second.body, {}};
  if (found != manifests_.end()) {
    const bool lies = fault && fault->kind == Fault::Kind::wrong_digest;
    answer.headers.emplace_back("Docker-Content-Digest", digest_of(lies ? "another" : found->second.body));
  }
  answer.fault = fault;
  return answer;
}

Answer Protocol::answer_token(const RecordedRequest& request) {
  if (const auto found = faults_.find("/token"); found != faults_.end()) {
    if (found->second.kind == Fault::Kind::redirect) return {307, {{"Location", found->second.location}}, "", {}};
    if (found->second.kind == Fault::Kind::status) return error(found->second.status, "UNKNOWN");
    return {200, {}, "", found->second};
  }
  const bool is_grant = request.method == "POST";
  const std::string parameters = is_grant ? request.body : query_of(request.target);
  const bool is_known =
      is_grant
          ? !options_.identity_token.empty() && parameter(parameters, "refresh_token") == options_.identity_token &&
                parameter(parameters, "grant_type") == "refresh_token"
          : (options_.users.empty() && options_.identity_token.empty()) || is_user(request.authorization);
  if (!is_known) return error(401, "UNAUTHORIZED");
  json token{{is_grant ? "access_token" : "token", new_token(parameter(parameters, "scope"))}};
  if (options_.token_lifetime.count() > 0) token["expires_in"] = options_.token_lifetime.count();
  return {200, {{"Content-Type", "application/json"}}, token.dump(), {}};
}

// The 401 for a request without what this registry asks for.
std::optional<Answer> Protocol::refuse(const RecordedRequest& request, const std::string& repository) const {
  const std::string scope = "repository:" + repository + ":pull";
  if (options_.wants_bearer) {
    constexpr std::string_view kScheme = "Bearer ";
    if (request.authorization.starts_with(kScheme)) {
      const auto known = token_scopes_.find(request.authorization.substr(kScheme.size()));
      if (known != token_scopes_.end() && (repository.empty() || known->second == scope)) return std::nullopt;
    }
    Answer answer = error(401, "UNAUTHORIZED");
    const std::string realm = options_.realm.empty() ? url_ + "/token" : options_.realm;
    answer.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"" + realm + "\",service=\"fake registry\"" +
                                                        (repository.empty() ? "" : ",scope=\"" + scope + "\""));
    return answer;
  }
  if (options_.users.empty() || is_user(request.authorization)) return std::nullopt;
  Answer answer = error(401, "UNAUTHORIZED");
  answer.headers.emplace_back("WWW-Authenticate", "Basic realm=\"fake, registry\"");
  return answer;
}

std::optional<Fault> Protocol::fault_of(const std::string& repository) const {
  for (const std::string& key : {repository, std::string("*")}) {
    if (const auto found = faults_.find(key); found != faults_.end()) return found->second;
  }
  return std::nullopt;
}

bool Protocol::is_user(std::string_view authorization) const {
  if (!authorization.starts_with(kBasic)) return false;
  const std::string pair = base64_decoded(authorization.substr(kBasic.size()));
  const auto found = options_.users.find(pair.substr(0, pair.find(':')));
  return found != options_.users.end() && pair == found->first + ":" + found->second;
}

std::string Protocol::new_token(const std::string& scope) {
  if (!options_.token_override.empty()) return options_.token_override;
  std::string token = "secret-token-" + std::to_string(++tokens_issued_);
  token_scopes_[token] = scope;
  return token;
}

}  // namespace shim::test
