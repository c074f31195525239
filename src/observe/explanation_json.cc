#include "observe/explanation_json.h"

#include <fmt/format.h>

#include <chrono>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

namespace shim::observe {

using nlohmann::json;
using nlohmann::ordered_json;
using registry::Explanation;
using registry::Outcome;
using std::chrono::milliseconds;

namespace {

constexpr int kIndent = 2;
constexpr std::size_t kMaxDepth = 8;
constexpr std::int64_t kLongest = std::int64_t{1000} * 1000 * 60 * 60 * 24;  // ms; more is no duration of ours

// Writing.

void put(ordered_json& object, const char* name, const std::optional<milliseconds>& value) {
  if (value) object[name] = value->count();
}

ordered_json json_of(const Explanation::Circuit& circuit) {
  ordered_json object = {{"open", circuit.is_open}};
  if (!circuit.reason.empty()) object["reason"] = circuit.reason;
  put(object, "openForMs", circuit.open_for);
  put(object, "nextCheckInMs", circuit.next_check_in);
  return object;
}

ordered_json json_of(const Explanation::Line& line) {
  ordered_json object = {{"registry", line.registry}};
  if (line.priority) object["priority"] = *line.priority;
  object["offline"] = line.is_offline;
  object["original"] = line.is_original;
  if (!line.name.empty()) object["name"] = line.name;
  object["found"] = kind_name(line.kind);
  if (!line.reason.empty()) object["reason"] = line.reason;
  put(object, "answeredInMs", line.answered_in);
  put(object, "knownForMs", line.known_for);
  if (line.circuit) object["circuit"] = json_of(*line.circuit);
  object["chosen"] = line.is_chosen;
  object["verdict"] = line.verdict;
  return object;
}

// Reading. One field that is not what it should be ends it.

struct NotUnderstood {
  std::string message;
};

class Fields {
 public:
  Fields(const json& object, std::string path) : object_(object), path_(std::move(path)) {
    if (!object.is_object()) throw NotUnderstood{fmt::format("{}: expected an object", path_)};
  }

  std::string text(const char* name, std::string absent = {}) const {
    const json* value = find(name);
    if (!value) return absent;
    if (!value->is_string()) refuse(name, "a text");
    return value->get<std::string>();
  }
  bool flag(const char* name) const {
    const json* value = find(name);
    if (value && !value->is_boolean()) refuse(name, "true or false");
    return value && value->get<bool>();
  }
  std::optional<std::int64_t> number(const char* name, std::int64_t most) const {
    const json* value = find(name);
    if (!value) return std::nullopt;
    // A number above the signed ones is kept as an unsigned one.
    const bool is_small =
        value->is_number_integer() &&
        (!value->is_number_unsigned() || value->get<std::uint64_t>() <= static_cast<std::uint64_t>(most));
    if (!is_small) refuse(name, "a whole number");
    const auto number = value->get<std::int64_t>();
    if (number < 0 || number > most) refuse(name, "a whole number");
    return number;
  }
  std::optional<milliseconds> duration(const char* name) const {
    const auto count = number(name, kLongest);
    if (!count) return std::nullopt;
    return milliseconds(*count);
  }
  const json* find(const char* name) const {
    const auto found = object_.find(name);
    return found == object_.end() || found->is_null() ? nullptr : &*found;
  }
  // Empty where there is none.
  const json& list(const char* name) const {
    static const json none = json::array();
    const json* value = find(name);
    if (value && !value->is_array()) refuse(name, "a list");
    return value ? *value : none;
  }
  std::string path_of(const char* name) const { return path_.empty() ? name : path_ + "." + name; }
  [[noreturn]] void refuse(const char* name, std::string_view expected) const {
    throw NotUnderstood{fmt::format("{}: expected {}", path_of(name), expected)};
  }

 private:
  const json& object_;
  std::string path_;
};

Explanation::Circuit circuit_from(const Fields& fields) {
  return {.is_open = fields.flag("open"),
          .reason = fields.text("reason"),
          .open_for = fields.duration("openForMs"),
          .next_check_in = fields.duration("nextCheckInMs")};
}

Outcome::Kind kind_from(const Fields& fields) {
  const std::string name = fields.text("found");
  for (std::size_t i = 0; i < registry::kOutcomeKinds; ++i) {
    const auto kind = static_cast<Outcome::Kind>(i);
    if (kind_name(kind) == name) return kind;
  }
  fields.refuse("found", "one of holds, absent …");
}

Explanation::Line line_from(const Fields& fields) {
  Explanation::Line line{.registry = fields.text("registry")};
  if (const auto priority = fields.number("priority", std::numeric_limits<int>::max())) {
    line.priority = static_cast<int>(*priority);
  }
  line.is_offline = fields.flag("offline");
  line.is_original = fields.flag("original");
  line.name = fields.text("name");
  line.kind = kind_from(fields);
  line.reason = fields.text("reason");
  line.answered_in = fields.duration("answeredInMs");
  line.known_for = fields.duration("knownForMs");
  if (const json* circuit = fields.find("circuit")) {
    line.circuit = circuit_from(Fields(*circuit, fields.path_of("circuit")));
  }
  line.is_chosen = fields.flag("chosen");
  line.verdict = fields.text("verdict");
  return line;
}

Explanation explanation_from(const json& document) {
  const Fields fields(document, {});
  if (!fields.find("image")) fields.refuse("image", "a text");
  if (!fields.find("candidates")) fields.refuse("candidates", "a list");
  Explanation explanation{.image = fields.text("image"),
                          .canonical = fields.text("canonical"),
                          .pod_namespace = fields.text("namespace"),
                          .lines = {},
                          .warnings = {}};
  for (const json& line : fields.list("candidates")) {
    const std::string path = fmt::format("candidates[{}]", explanation.lines.size());
    explanation.lines.push_back(line_from(Fields(line, path)));
  }
  for (const json& warning : fields.list("warnings")) {
    if (!warning.is_string()) fields.refuse("warnings", "a list of texts");
    explanation.warnings.push_back(warning.get<std::string>());
  }
  return explanation;
}

}  // namespace

std::string to_json(const Explanation& explanation) {
  ordered_json object = {{"image", explanation.image}, {"canonical", explanation.canonical}};
  if (!explanation.pod_namespace.empty()) object["namespace"] = explanation.pod_namespace;
  object["candidates"] = ordered_json::array();
  for (const Explanation::Line& line : explanation.lines) object["candidates"].push_back(json_of(line));
  object["warnings"] = explanation.warnings;
  return object.dump(kIndent, ' ', true, ordered_json::error_handler_t::replace) + "\n";
}

Expected<Explanation> explanation_from_json(std::string_view text) {
  bool is_too_deep = false;
  const auto keep = [&](int depth, json::parse_event_t, const json&) {
    is_too_deep = is_too_deep || depth > static_cast<int>(kMaxDepth);
    return !is_too_deep;
  };
  const json document = json::parse(text, keep, false);
  if (is_too_deep || document.is_discarded()) return fail("not the JSON of a shim");
  try {
    return explanation_from(document);
  } catch (const NotUnderstood& error) {
    return fail(error.message);
  }
}

}  // namespace shim::observe
