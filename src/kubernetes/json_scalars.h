// The few scalars of a JSON text that somebody wants, read without building the rest: text of any size and shape costs
// the memory of what is wanted. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace shim::kubernetes {

inline constexpr std::size_t kMaxJsonDepth = 64;

// Names from the outermost object inwards; arrays have no paths.
using JsonPath = std::vector<std::string_view>;

struct JsonScalar {
  enum class Kind { string, integer, other };
  Kind kind = Kind::other;
  std::string text;  // of a string or an integer
};

// For each path what is there; nothing where it is absent or null. The error says what is wrong with the text.
Expected<std::vector<std::optional<JsonScalar>>> read_scalars(std::string_view text, std::span<const JsonPath> paths);

}  // namespace shim::kubernetes
