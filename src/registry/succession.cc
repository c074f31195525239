#include "registry/succession.h"

#include <algorithm>
#include <map>

namespace shim::registry {
namespace {

bool have_same_access(const Entry& a, const Entry& b, bool has_same_sources) {
  return a.credential == b.credential && (a.credential || has_same_sources) && a.tls == b.tls;
}

bool give_same_answers(const Entry& a, const Entry& b, bool has_same_sources) {
  return a.address == b.address && a.rule == b.rule && a.rewrite == b.rewrite &&
         a.digest_fallback == b.digest_fallback && have_same_access(a, b, has_same_sources);
}

using ByRegistry = std::map<std::string, std::vector<const Entry*>>;

ByRegistry by_registry(std::span<const Entry> entries) {
  ByRegistry result;
  for (const Entry& entry : entries) result[entry.address.api_url()].push_back(&entry);
  return result;
}

// Whether each of `entries` has the access of one of `others`.
bool are_matched(const std::vector<const Entry*>& entries, const std::vector<const Entry*>& others,
                 bool has_same_sources) {
  return std::ranges::all_of(entries, [&](const Entry* entry) {
    return std::ranges::any_of(others,
                               [&](const Entry* other) { return have_same_access(*entry, *other, has_same_sources); });
  });
}

std::set<std::string> unchanged_registries(const ByRegistry& former, const ByRegistry& now, bool has_same_sources) {
  std::set<std::string> unchanged;
  for (const auto& [url, entries] : now) {
    const auto found = former.find(url);
    const bool is_unchanged = found != former.end() && are_matched(entries, found->second, has_same_sources) &&
                              are_matched(found->second, entries, has_same_sources);
    if (is_unchanged) unchanged.insert(url);
  }
  return unchanged;
}

}  // namespace

Succession succession(std::span<const Entry> former, std::span<const Entry> now, bool has_same_sources) {
  Succession result;
  std::vector<bool> is_taken(now.size());
  for (const Entry& entry : former) {
    std::optional<std::size_t>& number = result.entries.emplace_back();
    for (std::size_t i = 0; i < now.size() && !number; ++i) {
      if (!is_taken[i] && give_same_answers(entry, now[i], has_same_sources)) number = i;
    }
    if (number) is_taken[*number] = true;
  }
  result.registries = unchanged_registries(by_registry(former), by_registry(now), has_same_sources);
  return result;
}

}  // namespace shim::registry
