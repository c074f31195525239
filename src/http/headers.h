// The header fields of one HTTP message, in the order in which they came; names compare without case (RFC 9110 §5.1).
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace shim::http {

struct Header {
  std::string name;
  std::string value;
};

class Headers {
 public:
  Headers() = default;
  Headers(std::initializer_list<Header> fields) : fields_(fields) {}

  void add(std::string name, std::string value) { fields_.push_back({std::move(name), std::move(value)}); }
  void clear() { fields_.clear(); }

  // The first field of that name.
  std::optional<std::string_view> find(std::string_view name) const;
  // Every field of that name: repeated fields are not joined, as that would break WWW-Authenticate.
  std::vector<std::string_view> all(std::string_view name) const;

  const std::vector<Header>& fields() const { return fields_; }

 private:
  std::vector<Header> fields_;
};

// ASCII case-insensitive comparison, as header names, media types and authentication schemes need it.
bool equal_without_case(std::string_view a, std::string_view b);

}  // namespace shim::http
