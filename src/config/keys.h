// Every key of the configuration file, once: what it holds, its bounds and default, when a change takes effect, whether
// a ConfigMap may set it, and what it is for.
//
// The parser takes the bounds from here, the check of a ConfigMap which keys are the node's own, and reference.h makes
// the operators' page of it. keys_test.cc holds the rest against the parser, in both directions.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>

namespace shim::config {

struct DurationBounds {
  std::chrono::nanoseconds least;
  std::chrono::nanoseconds most;
  bool zero_is_allowed = false;  // below `least`, with a meaning of its own
};

struct NumberBounds {
  int least;
  int most;
};

struct SizeBounds {  // bytes
  std::uint64_t least;
  std::uint64_t most;
};

enum class Effect { live, restart };

struct Key {
  std::string_view path;  // `registries[].priority`; the keys of `offline` and `auth` stand there for both places
  // What is written there, as the errors name it: `a duration`, `true or false`.
  std::string_view kind;
  std::variant<std::monostate, DurationBounds, NumberBounds, SizeBounds> bounds;
  std::string_view default_value;  // as it is written in a file; empty: none
  Effect effect;
  std::string_view in_config_map;  // its path there; empty: the node's own file alone has it
  std::string_view since;          // version
  std::string_view text;           // Markdown
  std::string_view example;        // a whole file; may be empty
};

// In the order of the documentation.
std::span<const Key> keys();

// The key that a diagnostic's path means: `registries[1].priority`, `offline.match`, `auth.username`. Null for a block
// (`probe`) and for what is no key.
const Key* find_key(std::string_view path);

// REQUIRES: `path` is that of a key with such bounds.
const DurationBounds& duration_bounds(std::string_view path);
const NumberBounds& number_bounds(std::string_view path);
const SizeBounds& size_bounds(std::string_view path);

// Whether `key`, of the top level, is one of the file and none of the ConfigMap: the node decides on it.
bool is_of_the_node_alone(std::string_view key);

}  // namespace shim::config
