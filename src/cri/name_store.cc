#include "cri/name_store.h"

#include <algorithm>
#include <unordered_set>

namespace shim::cri {
namespace {

using image::Reference;

// How a runtime lists what was pulled as `name`: in normal form, `host/path:tag@digest` as `host/path@digest`.
std::string listed_name(std::string_view name) {
  const auto reference = Reference::parse(name);
  if (!reference) return std::string(name);
  if (reference->digest().empty()) return reference->canonical();
  return reference->repository() + "@" + reference->digest();
}

// `nginx:1.25`, `library/nginx`: Docker's short form of a name of Docker Hub.
bool is_short(std::string_view name) {
  const auto slash = name.find('/');
  if (slash == name.npos) return true;
  const std::string_view first = name.substr(0, slash);
  return first.find_first_of(".:") == first.npos && first != "localhost";
}

}  // namespace

void NameStore::remember(const Reference& reference, std::string_view pulled,
                         std::chrono::system_clock::time_point time) {
  for (const auto entry : find(by_canonical_, reference.canonical())) {
    if (entry->name.reference.original() == reference.original()) {
      erase(entry);
    } else if (entry->name.pulled != pulled) {
      pull_again(entry, pulled);
    }
  }
  if (entries_.size() >= capacity_) erase(entries_.begin());
  insert(entries_.end(), {reference, std::string(pulled), time}, ++newest_);
  changed();
}

void NameStore::restore(std::vector<RememberedName> names) {
  for (auto name = names.rbegin(); name != names.rend() && entries_.size() < capacity_; ++name) {
    const auto pulled = pulled_name(name->reference);
    if ((pulled && *pulled != name->pulled) || knows(name->reference)) continue;
    insert(entries_.begin(), std::move(*name), --oldest_);
  }
}

void NameStore::forget(const Reference& reference, Moment before) {
  if (entries_.empty()) return;
  erase_all(find(by_canonical_, reference.canonical()), before);
}

void NameStore::forget_listed(std::string_view listed, Moment before) {
  erase_all(find_listed(listed), before);
}

void NameStore::forget_absent(std::span<const std::string_view> listed, Moment before) {
  std::unordered_set<const Entry*> present;
  for (const std::string_view name : listed) {
    for (const auto entry : find_listed(name)) present.insert(&*entry);
  }
  std::vector<Entries::iterator> absent;
  for (auto entry = entries_.begin(); entry != entries_.end(); ++entry) {
    if (!present.contains(&*entry)) absent.push_back(entry);
  }
  erase_all(absent, before);
}

std::optional<std::string> NameStore::pulled_name(const Reference& reference) const {
  if (entries_.empty()) return std::nullopt;
  const auto at = by_canonical_.find(reference.canonical());
  if (at == by_canonical_.end()) return std::nullopt;
  return at->second->name.pulled;
}

bool NameStore::knows(const Reference& reference) const {
  if (entries_.empty()) return false;
  return std::ranges::any_of(find(by_canonical_, reference.canonical()), [&](Entries::iterator entry) {
    return entry->name.reference.original() == reference.original();
  });
}

std::vector<const Reference*> NameStore::originals(std::string_view listed) const {
  std::vector<const Reference*> references;
  for (const auto entry : find_listed(listed)) references.push_back(&entry->name.reference);
  std::ranges::reverse(references);
  return references;
}

std::vector<RememberedName> NameStore::names() const {
  std::vector<RememberedName> names;
  names.reserve(entries_.size());
  for (const Entry& entry : entries_) names.push_back(entry.name);
  return names;
}

void NameStore::insert(Entries::iterator before, RememberedName name, Moment moment) {
  std::string canonical = name.reference.canonical();
  std::string listed = listed_name(name.pulled);
  const auto added = entries_.insert(before, {std::move(name), std::move(canonical), std::move(listed), moment});
  by_canonical_.emplace(added->canonical, added);
  by_listed_.emplace(added->listed, added);
}

void NameStore::pull_again(Entries::iterator entry, std::string_view pulled) {
  unindex(by_listed_, entry->listed, entry);
  entry->name.pulled = pulled;
  entry->listed = listed_name(pulled);
  entry->remembered = ++newest_;
  entries_.splice(entries_.end(), entries_, entry);
  by_listed_.emplace(entry->listed, entry);
}

void NameStore::erase(Entries::iterator entry) {
  unindex(by_canonical_, entry->canonical, entry);
  unindex(by_listed_, entry->listed, entry);
  entries_.erase(entry);
}

void NameStore::erase_all(const std::vector<Entries::iterator>& entries, Moment before) {
  const std::size_t size = entries_.size();
  for (const auto entry : entries) {
    if (entry->remembered < before) erase(entry);
  }
  if (entries_.size() != size) changed();
}

std::vector<NameStore::Entries::iterator> NameStore::find(const Index& index, std::string_view key) {
  std::vector<Entries::iterator> found;
  const auto [begin, end] = index.equal_range(key);
  for (auto at = begin; at != end; ++at) found.push_back(at->second);
  std::ranges::sort(found, {}, [](Entries::iterator entry) { return entry->remembered; });
  return found;
}

std::vector<NameStore::Entries::iterator> NameStore::find_listed(std::string_view listed) const {
  auto found = find(by_listed_, listed);
  if (!found.empty() || entries_.empty() || !is_short(listed)) return found;
  return find(by_listed_, listed_name(listed));
}

void NameStore::unindex(Index& index, std::string_view key, Entries::iterator entry) {
  const auto [begin, end] = index.equal_range(key);
  const auto at = std::find_if(begin, end, [&](const auto& item) { return item.second == entry; });
  if (at != end) index.erase(at);
}

void NameStore::changed() {
  ++revision_;
  if (listener_) listener_();
}

}  // namespace shim::cri
