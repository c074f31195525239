// One configured registry, as the parts that choose and ask registries need it. Built from the configuration;
// immutable afterwards.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "credentials/credential.h"
#include "credentials/keychain.h"
#include "http/tls_options.h"
#include "image/address.h"
#include "image/match.h"
#include "image/rewrite.h"

namespace shim::registry {

enum class DigestFallback { none, tag };

struct Entry {
  image::Address address;
  int priority = 500;       // 0–10000; higher is asked first
  bool is_offline = false;  // the top-level `address`
  image::MatchRule rule{};  // the default already resolved (`*`, or its own images for a public registry)
  std::vector<image::RewriteRule> rewrite{};
  DigestFallback digest_fallback = DigestFallback::none;
  std::optional<credentials::Credential> credential{};  // its own `auth`; nothing: other sources may have one
  http::TlsOptions tls{};
};

// What the runtime is given to pull from an entry's registry.
struct PullCredential {
  credentials::Credential credential;  // read from its file, where it was in one
  std::string server_address;          // full URL, as containerd compares its host: `https://registry-1.docker.io`
};

// What the keychain is asked for an entry; `repository` is the path on its host.
credentials::Keychain::Question credential_question(const Entry& entry, std::string repository);

// Nothing for an anonymous entry. Errors as Keychain::find(). The coroutine borrows `keychain` and `entry`.
boost::asio::awaitable<Expected<std::optional<PullCredential>>> pull_credential(
    credentials::Keychain& keychain, const Entry& entry, std::string repository,
    std::chrono::steady_clock::time_point deadline);

}  // namespace shim::registry
