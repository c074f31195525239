#include "http2/header_list.h"

#include <algorithm>

namespace shim::http2 {
namespace {

constexpr std::size_t kFieldOverhead = 32;  // RFC 9113 §6.5.2
// A gRPC request's, so that most blocks allocate once.
constexpr std::size_t kUsualOctets = 400;
constexpr std::size_t kUsualFields = 12;

}  // namespace

HeaderList::Entry HeaderList::append(std::string_view name, std::string_view value, bool never_index) {
  if (bytes_.empty()) {
    bytes_.reserve(kUsualOctets);
    entries_.reserve(kUsualFields);
  }
  const Entry entry{static_cast<std::uint32_t>(bytes_.size()), static_cast<std::uint32_t>(name.size()),
                    static_cast<std::uint32_t>(value.size()), never_index};
  bytes_.append(name).append(value);
  octets_ += name.size() + value.size() + kFieldOverhead;
  return entry;
}

void HeaderList::add(std::string_view name, std::string_view value, bool never_index) {
  entries_.push_back(append(name, value, never_index));
}

void HeaderList::set(std::string_view name, std::string_view value) {
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    const Field field = (*this)[i];
    if (field.name != name) continue;
    octets_ -= field.name.size() + field.value.size() + kFieldOverhead;
    entries_[i] = append(std::string(name), std::string(value), field.never_index);
    return;
  }
  add(name, value);
}

void HeaderList::remove(std::string_view name) {
  const auto is_it = [&](const Entry& entry) {
    const bool same = std::string_view(bytes_).substr(entry.offset, entry.name_length) == name;
    if (same) octets_ -= entry.name_length + entry.value_length + kFieldOverhead;
    return same;
  };
  entries_.erase(std::remove_if(entries_.begin(), entries_.end(), is_it), entries_.end());
}

void HeaderList::clear() {
  entries_.clear();
  bytes_.clear();
  octets_ = 0;
}

std::optional<std::string_view> HeaderList::find(std::string_view name) const {
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    const Field field = (*this)[i];
    if (field.name == name) return field.value;
  }
  return std::nullopt;
}

}  // namespace shim::http2
