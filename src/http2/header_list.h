// The fields of one HTTP/2 header block, in order and byte for byte, in two allocations.
//
// Fields are what the peer sent: names are not lowered, repeated fields are kept. Cheap to move. Views returned by
// operator[] and find() are valid until the list is next changed or moved.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace shim::http2 {

class HeaderList {
 public:
  struct Field {
    std::string_view name;
    std::string_view value;
    bool never_index;  // RFC 7541 §6.2.3: intermediaries must keep it so
  };

  void add(std::string_view name, std::string_view value, bool never_index = false);
  // Replaces the value of the first field `name`, or adds the field at the end.
  void set(std::string_view name, std::string_view value);
  void remove(std::string_view name);
  void clear();

  std::size_t size() const { return entries_.size(); }
  bool empty() const { return entries_.empty(); }
  Field operator[](std::size_t index) const {
    const Entry& entry = entries_[index];
    const char* name = bytes_.data() + entry.offset;
    return {{name, entry.name_length}, {name + entry.name_length, entry.value_length}, entry.never_index};
  }
  // The value of the first field with that exact name.
  std::optional<std::string_view> find(std::string_view name) const;
  // RFC 9113 §6.5.2: lengths of names and values plus 32 octets a field.
  std::size_t octets() const { return octets_; }

 private:
  struct Entry {
    std::uint32_t offset;
    std::uint32_t name_length;
    std::uint32_t value_length;
    bool never_index;
  };

  Entry append(std::string_view name, std::string_view value, bool never_index);

  std::vector<Entry> entries_;
  std::string bytes_;
  std::size_t octets_ = 0;
};

}  // namespace shim::http2
