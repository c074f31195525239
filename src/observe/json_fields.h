// Reads JSON of whatever claims to be a shim, field by field. Internal to observe/.
#pragma once

#include <chrono>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace shim::observe {

// One field that is not what it should be ends the reading.
struct NotUnderstood {
  std::string message;
};

// The fields of one object. Absent ones, and null, have the value that their reader says; of another kind than asked
// for, they throw NotUnderstood.
class Fields {
 public:
  // Borrows `object`.
  Fields(const nlohmann::json& object, std::string path);

  std::string text(const char* name, std::string absent = {}) const;
  bool flag(const char* name) const;                                              // absent: false
  std::optional<std::int64_t> number(const char* name, std::int64_t most) const;  // from 0
  std::optional<std::chrono::milliseconds> duration(const char* name) const;
  const nlohmann::json& list(const char* name) const;  // absent: empty, here and below
  std::vector<std::string> texts(const char* name) const;
  // Null where it is absent.
  const nlohmann::json* find(const char* name) const;

  std::string path_of(const char* name) const;
  [[noreturn]] void refuse(const char* name, std::string_view expected) const;

 private:
  const nlohmann::json& object_;
  std::string path_;
};

// Nothing where `text` is no JSON, or is nested deeper than ours.
std::optional<nlohmann::json> parse_json(std::string_view text);

// `read` takes the Fields of the whole document.
template <class Value>
Expected<Value> read_json(std::string_view text, Value (*read)(const Fields&)) {
  const auto document = parse_json(text);
  if (!document) return fail("not the JSON of a shim");
  try {
    return read(Fields(*document, {}));
  } catch (const NotUnderstood& error) {
    return fail(error.message);
  }
}

}  // namespace shim::observe
