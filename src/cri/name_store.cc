#include "cri/name_store.h"

#include <algorithm>
#include <utility>

namespace shim::cri {
namespace {

// `host/path:tag@digest` stands in a runtime's list as `host/path@digest`.
std::string listed_name(std::string_view pulled) {
  const auto digest = pulled.find('@');
  if (digest == pulled.npos) return std::string(pulled);
  const std::string_view name = pulled.substr(0, digest);
  const auto colon = name.rfind(':');
  const bool has_tag = colon != name.npos && name.find('/', colon) == name.npos;
  return std::string(has_tag ? name.substr(0, colon) : name).append(pulled.substr(digest));
}

}  // namespace

void NameStore::remember(const image::Reference& reference, std::string_view pulled, Clock::time_point now) {
  const std::string canonical = reference.canonical();
  const auto [begin, end] = by_canonical_.equal_range(canonical);
  std::vector<Entries::iterator> outdated;  // the same spelling, or another name of the same image
  for (auto at = begin; at != end; ++at) {
    const Entry& known = *at->second;
    if (known.pulled != pulled || known.reference.original() == reference.original()) outdated.push_back(at->second);
  }
  for (const auto entry : outdated) erase(entry);

  if (entries_.size() >= capacity_) erase(entries_.begin());
  entries_.push_back({reference, canonical, std::string(pulled), listed_name(pulled), now});
  const auto added = std::prev(entries_.end());
  by_canonical_.emplace(added->canonical, added);
  by_listed_.emplace(added->listed, added);
}

void NameStore::forget(const image::Reference& reference) {
  const std::string canonical = reference.canonical();
  for (auto at = by_canonical_.find(canonical); at != by_canonical_.end(); at = by_canonical_.find(canonical)) {
    erase(at->second);
  }
}

std::optional<std::string> NameStore::pulled_name(const image::Reference& reference) const {
  if (entries_.empty()) return std::nullopt;
  const auto at = by_canonical_.find(reference.canonical());
  if (at == by_canonical_.end()) return std::nullopt;
  return at->second->pulled;
}

std::vector<const image::Reference*> NameStore::originals(std::string_view listed) const {
  std::vector<const Entry*> found;
  const auto [begin, end] = by_listed_.equal_range(listed);
  for (auto at = begin; at != end; ++at) found.push_back(&*at->second);
  std::ranges::sort(found, std::ranges::greater(), [](const Entry* entry) { return entry->remembered; });
  std::vector<const image::Reference*> references;
  for (const Entry* entry : found) references.push_back(&entry->reference);
  return references;
}

void NameStore::erase(Entries::iterator entry) {
  unindex(by_canonical_, entry->canonical, entry);
  unindex(by_listed_, entry->listed, entry);
  entries_.erase(entry);
}

void NameStore::unindex(Index& index, std::string_view key, Entries::iterator entry) {
  const auto [begin, end] = index.equal_range(key);
  const auto at = std::find_if(begin, end, [&](const auto& item) { return item.second == entry; });
  if (at != end) index.erase(at);
}

}  // namespace shim::cri
