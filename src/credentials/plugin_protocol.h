// What is said to a kubelet credential-provider plugin and what it answers: CredentialProviderRequest and
// CredentialProviderResponse (KEP-2133). Pure.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "credentials/credential.h"

namespace shim::credentials {

// For which other images an answer holds.
enum class CacheKeyType { image, registry, global };

struct PluginAnswer {
  struct Auth {
    std::string pattern;  // `host[:port][/path]`, the scheme taken away
    Credential credential;
  };
  CacheKeyType key_type = CacheKeyType::image;
  std::optional<std::chrono::nanoseconds> cache_duration;  // nothing: the plugin's default; 0: not to be kept
  std::vector<Auth> auth;                                  // most specific first, as the kubelet tries them

  // The first that matches; nothing where there is none, or a user name and password that are empty.
  std::optional<Credential> find(std::string_view image) const;
};

// `image` without tag or digest, as the kubelet sends it.
std::string plugin_request(std::string_view api_version, std::string_view image);

// Errors: no CredentialProviderResponse of that version, an unknown cacheKeyType, a duration that is none. Never shows
// any of it but the version.
Expected<PluginAnswer> parse_plugin_answer(std::string_view text, std::string_view api_version);

}  // namespace shim::credentials
