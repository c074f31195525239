// Under which names an image may be pulled, in order: a pure decision.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "image/reference.h"
#include "registry/entry.h"

namespace shim::registry {

enum class Fallback { upstream, deny };

// One name that the image may be pulled under.
struct Candidate {
  const Entry* entry = nullptr;  // null: the original reference at its own registry (`fallback: upstream`)
  std::string name{};            // what the runtime is asked to pull: `sealos.hub:5000/library/nginx:1.25`
  std::string repository{};  // path on the registry, prefix included: `proxy/library/nginx`; empty where entry is null
  std::string tag_or_digest{};  // what the manifest is asked by; a digest wins over a tag
  bool is_original = false;     // the reference's own host: the kubelet's AuthConfig may go there (DESIGN 3, 4)
};

struct Selection {
  std::vector<Candidate> candidates;  // best first
  std::vector<std::string> warnings;  // a digest given up by `digestFallback: tag`, a rewrite that made no valid path
};

// DESIGN 3: the entry on the reference's own host first, then by priority descending, then the offline registry, then
// file order; the original reference last with Fallback::upstream (unless an entry is its own host), never with deny.
// `entries` is in file order, the offline registry wherever it stands; the result borrows from it.
Selection select_candidates(const image::Reference& reference, std::span<const Entry> entries,
                            std::string_view pod_namespace, Fallback fallback);

// Why the entry is none of them, as a clause: `match: docker.io does not cover ghcr.io/org/app`, `excluded by
// ghcr.io/org/*`, `only for namespaces team-*`, `rewrite: …`.
// REQUIRES: select_candidates() left it out.
std::string why_no_candidate(const image::Reference& reference, const Entry& entry, std::string_view pod_namespace);

}  // namespace shim::registry
