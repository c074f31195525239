#include "kubernetes/json_scalars.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

namespace shim::kubernetes {
namespace {

using nlohmann::json;

// nlohmann's SAX interface: each call returns whether to go on.
class Reader {
 public:
  explicit Reader(std::span<const JsonPath> paths) : paths_(paths), found_(paths.size()) {}

  bool null() { return true; }
  bool boolean(bool) { return note(JsonScalar::Kind::other, {}); }
  bool number_integer(json::number_integer_t value) { return note(JsonScalar::Kind::integer, std::to_string(value)); }
  bool number_unsigned(json::number_unsigned_t value) { return note(JsonScalar::Kind::integer, std::to_string(value)); }
  bool number_float(json::number_float_t, const std::string&) { return note(JsonScalar::Kind::other, {}); }
  bool string(std::string& value) { return note(JsonScalar::Kind::string, std::move(value)); }
  bool binary(json::binary_t&) { return true; }
  bool key(std::string& name) {
    names_.back() = std::move(name);
    return true;
  }
  bool start_object(std::size_t) { return descend(); }
  bool start_array(std::size_t) { return descend(); }
  bool end_object() { return ascend(); }
  bool end_array() { return ascend(); }
  bool parse_error(std::size_t position, const std::string&, const json::exception&) {
    error_ = fmt::format("no JSON (at byte {})", position);
    return false;
  }

  const std::string& error() const { return error_; }
  std::vector<std::optional<JsonScalar>> take() { return std::move(found_); }

 private:
  bool descend() {
    note(JsonScalar::Kind::other, {});
    if (names_.size() == kMaxJsonDepth) {
      error_ = fmt::format("JSON of more than {} levels", kMaxJsonDepth);
      return false;
    }
    names_.emplace_back();  // an array's stays empty, which is nobody's name
    return true;
  }
  bool ascend() {
    names_.pop_back();
    return true;
  }
  bool note(JsonScalar::Kind kind, std::string text) {
    const auto found =
        std::ranges::find_if(paths_, [&](const JsonPath& path) { return std::ranges::equal(names_, path); });
    if (found != paths_.end()) {
      found_[static_cast<std::size_t>(found - paths_.begin())] = JsonScalar{kind, std::move(text)};
    }
    return true;
  }

  std::span<const JsonPath> paths_;
  std::vector<std::optional<JsonScalar>> found_;
  std::vector<std::string> names_;  // where it is
  std::string error_;
};

}  // namespace

Expected<std::vector<std::optional<JsonScalar>>> read_scalars(std::string_view text, std::span<const JsonPath> paths) {
  Reader reader(paths);
  if (!json::sax_parse(text, &reader)) return fail(reader.error());
  return reader.take();
}

}  // namespace shim::kubernetes
