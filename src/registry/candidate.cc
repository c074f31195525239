#include "registry/candidate.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>

namespace shim::registry {
namespace {

using image::MatchRule;
using image::Reference;

const image::Pattern& any_image() {
  static const image::Pattern any = image::Pattern::parse("*").value();
  return any;
}

// On an entry's own host its `match` does not count (the image is there and nowhere else), but what the operator shut
// out stays out: its credentials are not for other namespaces.
bool serves_own_host(const Entry& entry, const Reference& reference, std::string_view pod_namespace) {
  if (entry.address.host() != reference.host()) return false;
  return MatchRule{.match = {any_image()}, .exclude = entry.rule.exclude, .namespaces = entry.rule.namespaces}.matches(
      reference, pod_namespace);
}

bool is_below(const std::string& path, const std::string& prefix) {
  return prefix.empty() || (path.starts_with(prefix) && path.size() > prefix.size() && path[prefix.size()] == '/');
}

// Both are in one array, so that the lower address is the earlier one in the file.
bool goes_before(const Entry* a, const Entry* b) {
  if (a->priority != b->priority) return a->priority > b->priority;
  if (a->is_offline != b->is_offline) return a->is_offline;
  return a < b;
}

std::vector<const Entry*> in_order(std::span<const Entry> entries, auto is_wanted) {
  std::vector<const Entry*> wanted;
  for (const Entry& entry : entries) {
    if (is_wanted(entry)) wanted.push_back(&entry);
  }
  std::ranges::sort(wanted, goes_before);
  return wanted;
}

// Of several entries on the reference's own host, the one whose prefix covers most of the path: it has the credentials
// that were meant for it.
const Entry* own_host_entry(const Reference& reference, std::span<const Entry> entries,
                            std::string_view pod_namespace) {
  const auto own =
      in_order(entries, [&](const Entry& entry) { return serves_own_host(entry, reference, pod_namespace); });
  auto coverage = [&](const Entry* entry) {
    return is_below(reference.path(), entry->address.prefix()) ? entry->address.prefix().size() + 1 : 0;
  };
  const auto best = std::ranges::max_element(own, {}, coverage);
  return best == own.end() ? nullptr : *best;
}

Candidate original(const Reference& reference, const Entry* own) {
  return {.entry = own,
          .name = reference.original(),
          .repository = own ? reference.path() : "",
          .tag_or_digest = reference.digest().empty() ? reference.tag() : reference.digest(),
          .is_original = true};
}

std::optional<Candidate> mirrored(const Reference& reference, const Entry& entry, std::vector<std::string>& warnings) {
  const auto path = image::rewritten_path(entry.rewrite, reference);
  if (!path) {
    warnings.push_back(fmt::format("registry {} is not asked for {}: {}", entry.address.text(), reference.canonical(),
                                   path.error().message));
    return std::nullopt;
  }
  Candidate candidate{.entry = &entry};
  candidate.repository = entry.address.prefix().empty() ? *path : entry.address.prefix() + "/" + *path;
  candidate.name = entry.address.host() + "/" + candidate.repository;
  const bool gives_up_digest =
      entry.digest_fallback == DigestFallback::tag && !reference.digest().empty() && !reference.tag().empty();
  if (gives_up_digest) {
    warnings.push_back(fmt::format("registry {} is asked for tag {} instead of {} of {} (digestFallback: tag)",
                                   entry.address.text(), reference.tag(), reference.digest(), reference.repository()));
    candidate.name += ":" + reference.tag();
    candidate.tag_or_digest = reference.tag();
  } else {
    candidate.name += reference.suffix();
    candidate.tag_or_digest = reference.digest().empty() ? reference.tag() : reference.digest();
  }
  return candidate;
}

}  // namespace

Selection select_candidates(const Reference& reference, std::span<const Entry> entries, std::string_view pod_namespace,
                            Fallback fallback) {
  Selection selection;
  const Entry* own = own_host_entry(reference, entries, pod_namespace);
  if (own) selection.candidates.push_back(original(reference, own));
  const auto mirrors = in_order(entries, [&](const Entry& entry) {
    return entry.address.host() != reference.host() && entry.rule.matches(reference, pod_namespace);
  });
  for (const Entry* entry : mirrors) {
    if (auto candidate = mirrored(reference, *entry, selection.warnings)) {
      selection.candidates.push_back(std::move(*candidate));
    }
  }
  if (!own && fallback == Fallback::upstream) selection.candidates.push_back(original(reference, nullptr));
  return selection;
}

std::string why_no_candidate(const Reference& reference, const Entry& entry, std::string_view pod_namespace) {
  const MatchRule& rule = entry.rule;
  const auto covers = [&](const image::Pattern& pattern) { return pattern.matches(reference); };
  const bool is_own_host = entry.address.host() == reference.host();
  if (!is_own_host && std::ranges::none_of(rule.match, covers)) {
    std::vector<std::string_view> patterns;
    for (const image::Pattern& pattern : rule.match) patterns.push_back(pattern.text());
    return fmt::format("match: {} does not cover {}", fmt::join(patterns, ", "), reference.repository());
  }
  if (const auto shut = std::ranges::find_if(rule.exclude, covers); shut != rule.exclude.end()) {
    return "excluded by " + shut->text();
  }
  if (!MatchRule{.match = {any_image()}, .exclude = {}, .namespaces = rule.namespaces}.matches(reference,
                                                                                               pod_namespace)) {
    return fmt::format("only for namespaces {}", fmt::join(rule.namespaces, ", "));
  }
  if (is_own_host) return "another entry on its host covers more of the path";
  const auto path = image::rewritten_path(entry.rewrite, reference);
  return path ? "" : "rewrite: " + path.error().message;
}

}  // namespace shim::registry
