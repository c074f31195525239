#include "observe/json_fields.h"

#include <fmt/format.h>

#include <utility>

namespace shim::observe {

using nlohmann::json;
using std::chrono::milliseconds;

namespace {

constexpr int kMaxDepth = 8;
constexpr std::int64_t kLongest = std::int64_t{1000} * 1000 * 60 * 60 * 24;  // ms; more is no duration of ours

}  // namespace

Fields::Fields(const json& object, std::string path) : object_(object), path_(std::move(path)) {
  if (!object.is_object()) throw NotUnderstood{fmt::format("{}: expected an object", path_)};
}

std::string Fields::text(const char* name, std::string absent) const {
  const json* value = find(name);
  if (!value) return absent;
  if (!value->is_string()) refuse(name, "a text");
  return value->get<std::string>();
}

bool Fields::flag(const char* name) const {
  const json* value = find(name);
  if (value && !value->is_boolean()) refuse(name, "true or false");
  return value && value->get<bool>();
}

std::optional<std::int64_t> Fields::number(const char* name, std::int64_t most) const {
  const json* value = find(name);
  if (!value) return std::nullopt;
  // A number above the signed ones is kept as an unsigned one.
  const bool is_small = value->is_number_integer() && (!value->is_number_unsigned() ||
                                                       value->get<std::uint64_t>() <= static_cast<std::uint64_t>(most));
  if (!is_small) refuse(name, "a whole number");
  const auto number = value->get<std::int64_t>();
  if (number < 0 || number > most) refuse(name, "a whole number");
  return number;
}

std::optional<milliseconds> Fields::duration(const char* name) const {
  const auto count = number(name, kLongest);
  if (!count) return std::nullopt;
  return milliseconds(*count);
}

const json& Fields::list(const char* name) const {
  static const json none = json::array();
  const json* value = find(name);
  if (value && !value->is_array()) refuse(name, "a list");
  return value ? *value : none;
}

std::vector<std::string> Fields::texts(const char* name) const {
  std::vector<std::string> result;
  for (const json& item : list(name)) {
    if (!item.is_string()) refuse(name, "a list of texts");
    result.push_back(item.get<std::string>());
  }
  return result;
}

const json* Fields::find(const char* name) const {
  const auto found = object_.find(name);
  return found == object_.end() || found->is_null() ? nullptr : &*found;
}

std::string Fields::path_of(const char* name) const {
  return path_.empty() ? name : path_ + "." + name;
}

void Fields::refuse(const char* name, std::string_view expected) const {
  throw NotUnderstood{fmt::format("{}: expected {}", path_of(name), expected)};
}

std::optional<json> parse_json(std::string_view text) {
  bool is_too_deep = false;
  const auto keep = [&](int depth, json::parse_event_t, const json&) {
    is_too_deep = is_too_deep || depth > kMaxDepth;
    return !is_too_deep;
  };
  json document = json::parse(text, keep, false);
  if (is_too_deep || document.is_discarded()) return std::nullopt;
  return document;
}

}  // namespace shim::observe
