// Which name an image was pulled under, for every name that a user wrote (DESIGN 5).
//
// Kubernetes must see the names that users wrote, while the runtime knows the image by the registry's. Bounded: the
// oldest entry goes first. In memory; single-threaded.
#pragma once

#include <chrono>
#include <cstddef>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "image/reference.h"

namespace shim::cri {

class NameStore {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::size_t kCapacity = 4096;

  explicit NameStore(std::size_t capacity = kCapacity) : capacity_(capacity) {}
  NameStore(const NameStore&) = delete;
  NameStore& operator=(const NameStore&) = delete;

  // `reference` was pulled as `pulled`. A spelling that is known already moves to the newest end.
  void remember(const image::Reference& reference, std::string_view pulled, Clock::time_point now = Clock::now());
  // Every spelling of the image is forgotten.
  void forget(const image::Reference& reference);

  // The name that the image was pulled under last, however it is spelled now.
  std::optional<std::string> pulled_name(const image::Reference& reference) const;
  // The references whose image a runtime lists as `listed`, newest first: the pulled name, without its tag where it had
  // a digest too.
  std::vector<const image::Reference*> originals(std::string_view listed) const;

  // Forgets what was remembered before `before` and whose listed name `is_present` denies.
  template <class Predicate>
  void forget_absent(Clock::time_point before, Predicate is_present) {
    for (auto at = entries_.begin(); at != entries_.end();) {
      const auto entry = at++;
      if (entry->remembered < before && !is_present(entry->listed)) erase(entry);
    }
  }

  bool empty() const { return entries_.empty(); }
  std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    image::Reference reference;
    std::string canonical;
    std::string pulled;
    std::string listed;
    Clock::time_point remembered;
  };
  using Entries = std::list<Entry>;
  using Index = std::unordered_multimap<std::string_view, Entries::iterator>;  // keys borrow from the entries

  void erase(Entries::iterator entry);
  static void unindex(Index& index, std::string_view key, Entries::iterator entry);

  const std::size_t capacity_;
  Entries entries_;  // oldest first
  Index by_canonical_;
  Index by_listed_;
};

}  // namespace shim::cri
