#include "observe/explanation_json.h"

#include <fmt/format.h>

#include <chrono>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>

#include "observe/json_fields.h"

namespace shim::observe {

using nlohmann::json;
using nlohmann::ordered_json;
using registry::Explanation;
using registry::Outcome;
using std::chrono::milliseconds;

namespace {

constexpr int kIndent = 2;

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

Explanation explanation_from(const Fields& fields) {
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
  explanation.warnings = fields.texts("warnings");
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
  return read_json<Explanation>(text, explanation_from);
}

}  // namespace shim::observe
