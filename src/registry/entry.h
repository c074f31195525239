// One configured registry, as the parts that choose and ask registries need it. Built from the configuration;
// immutable afterwards.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "credentials/credential.h"
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
  credentials::Credential credential{};  // anonymous where none is configured
  http::TlsOptions tls{};
};

// What the runtime is given to pull from an entry's registry.
struct PullCredential {
  credentials::Credential credential;  // the password file, if any, already read
  std::string server_address;          // full URL, as containerd compares its host: `https://registry-1.docker.io`
};

// Nothing for an anonymous entry. Errors: the password file cannot be read.
Expected<std::optional<PullCredential>> pull_credential(const Entry& entry);

}  // namespace shim::registry
