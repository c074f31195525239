// What one source of an image said or how it failed, for logs and for the error that names every source tried.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "registry/health.h"

namespace shim::registry {

struct Outcome {
  enum class Kind {
    holds,           // the registry has it
    absent,          // it said no (404)
    other_platform,  // it has the name, but no image for this node's platform
    refused,         // 401 or 403: credentials missing or wrong
    unreachable,     // no HTTP answer: refused, DNS, TLS, time-out
    failed,          // an HTTP answer that is neither yes nor no (429, 5xx …)
    not_asked,       // taken without asking (the original reference, a kubelet's own credential, no time left to ask)
    pull_failed,     // the runtime could not pull from it
  };
  std::string source;  // registry address, as configured; the reference's own host for the original
  std::string name;    // the name pulled or probed
  Kind kind = Kind::not_asked;
  std::string reason{};  // empty for `holds`; else one clause: `401 Unauthorized: wrong password for user "admin"`
  // The answer itself shows that a pull would fail or give another image: absent, another digest, no image for this
  // node's platform, an HTML page. Such an entry is never pulled from.
  bool rules_out_pull = false;
  Health health{};  // of the registry, as its answer shows it
};
inline constexpr std::size_t kOutcomeKinds = static_cast<std::size_t>(Outcome::Kind::pull_failed) + 1;

// `holds`, `absent`, `other-platform` …: for metrics and JSON.
std::string_view kind_name(Outcome::Kind kind);

}  // namespace shim::registry
