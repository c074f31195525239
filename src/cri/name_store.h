// Which name an image was pulled under, for every name that a user wrote (DESIGN 5).
//
// Kubernetes must see the names that users wrote, while the runtime knows the image by the registry's. Bounded: the
// oldest entry goes first. In memory, and pure but for on_change(); NameKeeper keeps it on disk. Single-threaded.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "image/reference.h"

namespace shim::cri {

struct RememberedName {
  image::Reference reference;                  // as a user wrote it
  std::string pulled;                          // what the runtime was asked to pull
  std::chrono::system_clock::time_point time;  // for people; nothing is decided by a clock that may jump
};

class NameStore {
 public:
  // A place in the order of all that was remembered: tells before from after without a clock.
  using Moment = std::int64_t;
  static constexpr std::size_t kCapacity = 4096;

  explicit NameStore(std::size_t capacity = kCapacity) : capacity_(capacity) {}
  NameStore(const NameStore&) = delete;
  NameStore& operator=(const NameStore&) = delete;

  // `reference` was pulled as `pulled`, and so were the image's other spellings: it has one pulled name. A spelling
  // that is known already moves to the newest end.
  void remember(const image::Reference& reference, std::string_view pulled,
                std::chrono::system_clock::time_point time = std::chrono::system_clock::now());
  // What an earlier process remembered, oldest first: all of it is older than what this one has, which wins.
  void restore(std::vector<RememberedName> names);

  // Every spelling of the image that was remembered before `before` is forgotten …
  void forget(const image::Reference& reference, Moment before = kEver);
  // … and here of the images that a runtime lists as `listed`.
  void forget_listed(std::string_view listed, Moment before = kEver);
  // Forgets what was remembered before `before` and stands in none of the names that a runtime listed.
  void forget_absent(std::span<const std::string_view> listed, Moment before);

  // The name that the image was pulled under last, however it is spelled now.
  std::optional<std::string> pulled_name(const image::Reference& reference) const;
  // Whether this very spelling is remembered.
  bool knows(const image::Reference& reference) const;
  // The references whose image a runtime lists as `listed`, newest first. A runtime lists the pulled name in normal
  // form, without its tag where it has a digest too (containerd), or as Docker shortens it (cri-dockerd).
  std::vector<const image::Reference*> originals(std::string_view listed) const;

  bool empty() const { return entries_.empty(); }
  std::size_t size() const { return entries_.size(); }
  // Later than all that is remembered by now, and earlier than all that will be.
  Moment now() const { return newest_ + 1; }

  // Everything, oldest first.
  std::vector<RememberedName> names() const;
  // Grows with every change but restore().
  std::uint64_t revision() const { return revision_; }
  // Called after every change but restore(). Empty: nobody.
  void on_change(std::function<void()> listener) { listener_ = std::move(listener); }

 private:
  static constexpr Moment kEver = INT64_MAX;
  struct Entry {
    RememberedName name;
    std::string canonical;
    std::string listed;
    Moment remembered;
  };
  using Entries = std::list<Entry>;
  using Index = std::unordered_multimap<std::string_view, Entries::iterator>;  // keys borrow from the entries

  void insert(Entries::iterator before, RememberedName name, Moment moment);
  void pull_again(Entries::iterator entry, std::string_view pulled);
  void erase(Entries::iterator entry);
  void erase_all(const std::vector<Entries::iterator>& entries, Moment before);
  // Oldest first.
  static std::vector<Entries::iterator> find(const Index& index, std::string_view key);
  std::vector<Entries::iterator> find_listed(std::string_view listed) const;
  static void unindex(Index& index, std::string_view key, Entries::iterator entry);
  void changed();

  const std::size_t capacity_;
  Entries entries_;  // oldest first
  Index by_canonical_;
  Index by_listed_;
  Moment newest_ = 0;
  Moment oldest_ = 0;
  std::uint64_t revision_ = 0;
  std::function<void()> listener_;
};

}  // namespace shim::cri
