#include "credentials/plugin_protocol.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/text.h"
#include "base/units.h"
#include "credentials/image_match.h"

namespace shim::credentials {
namespace {

using nlohmann::json;

std::string_view text_of(const json& block, const char* name) {
  const auto found = block.find(name);
  return found != block.end() && found->is_string() ? std::string_view(found->get_ref<const std::string&>())
                                                    : std::string_view();
}

// As the kubelet files a key: without scheme and API version, and without a path that is only a slash.
std::string normal_pattern(std::string_view key) {
  for (const std::string_view scheme : {"https://", "http://"}) {
    if (key.starts_with(scheme)) key.remove_prefix(scheme.size());
  }
  const std::size_t slash = std::min(key.find('/'), key.size());
  std::string_view path = key.substr(slash);
  if (path.starts_with("/v1/") || path.starts_with("/v2/")) path.remove_prefix(3);
  return std::string(key.substr(0, slash)).append(path == "/" ? "" : path);
}

std::optional<CacheKeyType> key_type_of(std::string_view text) {
  if (text == "Image") return CacheKeyType::image;
  if (text == "Registry") return CacheKeyType::registry;
  if (text == "Global") return CacheKeyType::global;
  return std::nullopt;
}

bool is_hub_image(std::string_view image) {
  return image.starts_with("docker.io/") || image == "docker.io";
}

}  // namespace

std::string plugin_request(std::string_view api_version, std::string_view image) {
  return json{{"kind", "CredentialProviderRequest"}, {"apiVersion", api_version}, {"image", image}}.dump() + "\n";
}

Expected<PluginAnswer> parse_plugin_answer(std::string_view text, std::string_view api_version) {
  const json response = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!response.is_object()) return fail("its answer is not a JSON object");
  if (text_of(response, "kind") != "CredentialProviderResponse") {
    return fail("its answer is not of kind CredentialProviderResponse");
  }
  if (const auto version = text_of(response, "apiVersion"); version != api_version) {
    return fail(fmt::format("its answer is of apiVersion {}, and {} was asked for", in_quotes(version, 64), api_version));
  }
  const auto key_type = key_type_of(text_of(response, "cacheKeyType"));
  if (!key_type) return fail("its answer has no cacheKeyType of Image, Registry or Global");

  PluginAnswer answer{.key_type = *key_type, .cache_duration = {}, .auth = {}};
  if (const auto duration = response.find("cacheDuration"); duration != response.end() && !duration->is_null()) {
    const auto parsed = parse_duration(text_of(response, "cacheDuration"));
    if (!parsed) return fail("the cacheDuration of its answer is not a duration");
    answer.cache_duration = *parsed;
  }
  const auto auth = response.find("auth");
  if (auth == response.end() || auth->is_null()) return answer;
  if (!auth->is_object()) return fail("the auth of its answer is not an object");
  for (const auto& [key, config] : auth->items()) {
    answer.auth.push_back({normal_pattern(key),
                           {.username = std::string(text_of(config, "username")),
                            .password = Secret(text_of(config, "password"))}});
  }
  // Longer keys before the shorter ones that they begin with, `*` after every letter.
  std::ranges::stable_sort(answer.auth, std::ranges::greater(), &PluginAnswer::Auth::pattern);
  return answer;
}

std::optional<Credential> PluginAnswer::find(std::string_view image) const {
  const auto usable = [](const Credential& credential) {
    return credential.is_anonymous() ? std::nullopt : std::optional(credential);
  };
  for (const Auth& each : auth) {
    if (matches_image(each.pattern, image)) return usable(each.credential);
  }
  for (const Auth& each : auth) {
    const bool is_hubs_old_name = each.pattern.starts_with("index.docker.io");
    if (is_hubs_old_name && is_hub_image(image)) return usable(each.credential);
  }
  return std::nullopt;
}

}  // namespace shim::credentials
