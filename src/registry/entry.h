// One configured registry, as the parts that choose and ask registries need it. Built from the configuration;
// immutable afterwards.
#pragma once

#include <string>
#include <vector>

#include "credentials/credential.h"
#include "http/tls_options.h"
#include "image/address.h"
#include "image/match.h"
#include "image/rewrite.h"

namespace shim::registry {

enum class DigestFallback { none, tag };

struct Entry {
  image::Address address;
  int priority = 500;                 // 0–10000; higher is asked first
  bool is_offline = false;            // the top-level `address`
  image::MatchRule rule;              // the default already resolved (`*`, or its own images for a public registry)
  std::vector<image::RewriteRule> rewrite;
  DigestFallback digest_fallback = DigestFallback::none;
  credentials::Credential credential;  // anonymous where none is configured
  http::TlsOptions tls;
};

}  // namespace shim::registry
