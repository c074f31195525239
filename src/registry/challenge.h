// What a registry asks for with a 401: the WWW-Authenticate field (RFC 9110 §11.6.1). Pure.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace shim::registry {

struct Challenge {
  std::string scheme;                                           // lower case: `basic`, `bearer`
  std::vector<std::pair<std::string, std::string>> parameters;  // names in lower case, values unquoted

  std::optional<std::string_view> find(std::string_view name) const;
};

// The challenges of all WWW-Authenticate fields of an answer, in order; a field may hold several. A peer's text: what
// is malformed ends the reading of its field, and at most 16 KiB, 8 challenges and 16 parameters each are read.
std::vector<Challenge> parse_challenges(std::span<const std::string_view> fields);

}  // namespace shim::registry
