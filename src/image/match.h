// Which images a registry entry answers for: the `match`, `exclude` and `namespaces` of the configuration. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "image/address.h"
#include "image/reference.h"

namespace shim::image {

// One pattern of `match` or `exclude`: `*` | `host[:port]` | `*.host` (one or more labels) | `host/path` (whole
// components: `ghcr.io/org` is not `ghcr.io/organic`) | `host/glob*` (`*` within the rest of the path).
// A host is normalised as in a Reference (`index.docker.io` is `docker.io`), and `docker.io/nginx` also means
// `docker.io/library/nginx`. A glob's `*` stands for any characters, slashes too; what a pattern matches, it matches
// with everything below: `host/*/app` holds for `host/org/app/sidecar`. `*/path` is the path at any host.
class Pattern {
 public:
  // Errors: the rule that is broken; a scheme, a tag or a digest; a first part that can be no host (`nginx`).
  static Expected<Pattern> parse(std::string_view text);
  bool matches(const Reference& reference) const;
  const std::string& text() const { return text_; }
  friend bool operator==(const Pattern&, const Pattern&) = default;

 private:
  Pattern() = default;

  std::string text_;
  std::string host_;             // empty: any host
  bool host_is_suffix_ = false;  // `*.host`
  std::string path_;             // empty: any path; may hold `*`
};

struct MatchRule {
  std::vector<Pattern> match;           // any of them; empty: nothing matches
  std::vector<Pattern> exclude;         // none of them
  std::vector<std::string> namespaces;  // the pod's namespace is one of them (globs `team-*` allowed); empty: any

  // `pod_namespace` is empty where the caller named no sandbox: then a rule with `namespaces` does not match.
  bool matches(const Reference& reference, std::string_view pod_namespace) const;
  friend bool operator==(const MatchRule&, const MatchRule&) = default;
};

// Whether all of `text` matches `glob`, where `*` stands for any characters, also none and also slashes.
bool glob_matches(std::string_view glob, std::string_view text);

// The rule of a registry whose configuration has no `match`: every image, but for a public registry only the images
// that are its own (dependency confusion: `ghcr.io/org/app` must never be looked up as `docker.io/org/app`).
MatchRule default_rule(const Address& address);

}  // namespace shim::image
