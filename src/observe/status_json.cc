#include "observe/status_json.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "kubernetes/timestamp.h"
#include "observe/json_fields.h"

namespace shim::observe {

using nlohmann::json;
using nlohmann::ordered_json;
using std::chrono::microseconds;
using std::chrono::milliseconds;

namespace {

constexpr int kIndent = 2;
constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kMostInt = std::numeric_limits<int>::max();

std::string text_of(Status::Time time) {
  return fmt::format("{:%FT%TZ}", fmt::gmtime(std::chrono::system_clock::to_time_t(time)));
}

void put(ordered_json& object, const char* name, const std::string& text) {
  if (!text.empty()) object[name] = text;
}
void put(ordered_json& object, const char* name, const std::optional<milliseconds>& value) {
  if (value) object[name] = value->count();
}
void put(ordered_json& object, const char* name, const std::optional<Status::Time>& time) {
  if (time) object[name] = text_of(*time);
}

// ── Written ──────────────────────────────────────────────────────────────────────────────────────────────────────────

ordered_json json_of(const Status::Shim& shim) {
  return {{"node", shim.node},     {"version", shim.version},   {"pid", shim.pid}, {"uptimeMs", shim.uptime.count()},
          {"socket", shim.socket}, {"serving", shim.is_serving}};
}

ordered_json json_of(const Status::Runtime& runtime) {
  ordered_json object = {{"socket", runtime.socket}, {"reachable", runtime.problem.empty()}};
  put(object, "problem", runtime.problem);
  put(object, "name", runtime.name);
  put(object, "version", runtime.version);
  put(object, "criVersion", runtime.cri_version);
  return object;
}

ordered_json json_of(const Status::Registry& registry) {
  ordered_json object = {{"address", registry.address},
                         {"host", registry.host},
                         {"priority", registry.priority},
                         {"offline", registry.is_offline},
                         {"state", state_name(registry.state)}};
  put(object, "reason", registry.reason);
  put(object, "openForMs", registry.open_for);
  put(object, "nextCheckInMs", registry.next_check);
  if (registry.latency) object["latencyUs"] = registry.latency->count();
  object["pullsSucceeded"] = registry.pulls_succeeded;
  object["pullsFailed"] = registry.pulls_failed;
  put(object, "lastFailure", registry.last_failure);
  put(object, "failedAt", registry.failed_at);
  return object;
}

ordered_json json_of(const Status::Original& original) {
  return {{"denied", original.is_denied},
          {"pullsSucceeded", original.pulls_succeeded},
          {"pullsFailed", original.pulls_failed}};
}

ordered_json json_of(const Status::Cache& cache) {
  return {{"references", cache.references},
          {"capacity", cache.capacity},
          {"hits", cache.hits},
          {"misses", cache.misses},
          {"evictions", cache.evictions}};
}

ordered_json json_of(const cri::Decision& decision) {
  ordered_json object = {{"time", text_of(decision.time)}, {"image", decision.image}};
  put(object, "namespace", decision.pod_namespace);
  object["pulled"] = decision.is_pulled;
  put(object, "source", decision.source);
  put(object, "name", decision.name);
  if (decision.priority) object["priority"] = *decision.priority;
  object["why"] = decision.why;
  object["attempts"] = decision.attempts;
  object["durationMs"] = decision.duration.count();
  return object;
}

ordered_json json_of(const Status::ConfigMap& map) {
  ordered_json object = {{"name", map.name}, {"state", state_name(map.state)}};
  put(object, "server", map.server);
  put(object, "reason", map.reason);
  put(object, "lastSeen", map.last_seen);
  put(object, "problem", map.problem);
  return object;
}

ordered_json json_of(const Status::Configuration& configuration) {
  ordered_json object = {{"file", configuration.file}, {"usedSince", text_of(configuration.used_since)}};
  put(object, "problem", configuration.problem);
  object["configMap"] = json_of(configuration.config_map);
  return object;
}

ordered_json json_of(const Concern& concern) {
  return {{"kind", concern.kind == Concern::Kind::failed ? "failed" : "degraded"},
          {"what", concern.what},
          {"advice", concern.advice}};
}

template <class Items>
ordered_json list_of(const Items& items) {
  ordered_json list = ordered_json::array();
  for (const auto& item : items) list.push_back(json_of(item));
  return list;
}

// ── Read ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

std::uint64_t count_from(const Fields& fields, const char* name) {
  return static_cast<std::uint64_t>(fields.number(name, kMost).value_or(0));
}

std::optional<Status::Time> time_from(const Fields& fields, const char* name) {
  const std::string text = fields.text(name);
  if (text.empty()) return std::nullopt;
  const auto time = kubernetes::parse_timestamp(text);
  if (!time) fields.refuse(name, "a point in time");
  return *time;
}

Fields object_from(const Fields& fields, const char* name) {
  const json* object = fields.find(name);
  if (!object) fields.refuse(name, "an object");
  return {*object, fields.path_of(name)};
}

template <class Item>
std::vector<Item> list_from(const Fields& fields, const char* name, Item (*read)(const Fields&)) {
  std::vector<Item> items;
  for (const json& item : fields.list(name)) {
    items.push_back(read(Fields(item, fmt::format("{}[{}]", fields.path_of(name), items.size()))));
  }
  return items;
}

Status::Shim shim_from(const Fields& fields) {
  return {.node = fields.text("node"),
          .version = fields.text("version"),
          .pid = fields.number("pid", kMost).value_or(0),
          .uptime = fields.duration("uptimeMs").value_or(milliseconds(0)),
          .socket = fields.text("socket"),
          .is_serving = fields.flag("serving")};
}

Status::Runtime runtime_from(const Fields& fields) {
  return {.socket = fields.text("socket"),
          .name = fields.text("name"),
          .version = fields.text("version"),
          .cri_version = fields.text("criVersion"),
          .problem = fields.text("problem")};
}

Status::Registry registry_from(const Fields& fields) {
  const auto state = registry_state_of(fields.text("state"));
  if (!state) fields.refuse("state", "one of well, failing …");
  Status::Registry registry{.address = fields.text("address"),
                            .host = fields.text("host"),
                            .priority = static_cast<int>(fields.number("priority", kMostInt).value_or(0)),
                            .is_offline = fields.flag("offline"),
                            .state = *state,
                            .reason = fields.text("reason"),
                            .open_for = fields.duration("openForMs"),
                            .next_check = fields.duration("nextCheckInMs"),
                            .latency = {},
                            .pulls_succeeded = count_from(fields, "pullsSucceeded"),
                            .pulls_failed = count_from(fields, "pullsFailed"),
                            .last_failure = fields.text("lastFailure"),
                            .failed_at = time_from(fields, "failedAt")};
  if (const auto latency = fields.number("latencyUs", kMost)) registry.latency = microseconds(*latency);
  return registry;
}

Status::Original original_from(const Fields& fields) {
  return {.is_denied = fields.flag("denied"),
          .pulls_succeeded = count_from(fields, "pullsSucceeded"),
          .pulls_failed = count_from(fields, "pullsFailed")};
}

Status::Cache cache_from(const Fields& fields) {
  return {.references = count_from(fields, "references"),
          .capacity = count_from(fields, "capacity"),
          .hits = count_from(fields, "hits"),
          .misses = count_from(fields, "misses"),
          .evictions = count_from(fields, "evictions")};
}

cri::Decision decision_from(const Fields& fields) {
  cri::Decision decision{.time = time_from(fields, "time").value_or(Status::Time()),
                         .image = fields.text("image"),
                         .pod_namespace = fields.text("namespace"),
                         .is_pulled = fields.flag("pulled"),
                         .source = fields.text("source"),
                         .name = fields.text("name"),
                         .priority = {},
                         .why = fields.text("why"),
                         .attempts = count_from(fields, "attempts"),
                         .duration = fields.duration("durationMs").value_or(milliseconds(0))};
  if (const auto priority = fields.number("priority", kMostInt)) decision.priority = static_cast<int>(*priority);
  return decision;
}

Status::ConfigMap config_map_from(const Fields& fields) {
  const auto state = config_map_state_of(fields.text("state"));
  if (!state) fields.refuse("state", "one of following, disabled …");
  return {.name = fields.text("name"),
          .state = *state,
          .server = fields.text("server"),
          .reason = fields.text("reason"),
          .last_seen = time_from(fields, "lastSeen"),
          .problem = fields.text("problem")};
}

Status::Configuration configuration_from(const Fields& fields) {
  return {.file = fields.text("file"),
          .used_since = time_from(fields, "usedSince").value_or(Status::Time()),
          .problem = fields.text("problem"),
          .config_map = config_map_from(object_from(fields, "configMap"))};
}

Status status_from(const Fields& fields) {
  return {.time = time_from(fields, "time").value_or(Status::Time()),
          .shim = shim_from(object_from(fields, "shim")),
          .runtime = runtime_from(object_from(fields, "runtime")),
          .registries = list_from(fields, "registries", registry_from),
          .original = original_from(object_from(fields, "original")),
          .cache = cache_from(object_from(fields, "cache")),
          .names_remembered = count_from(fields, "namesRemembered"),
          .decisions = list_from(fields, "decisions", decision_from),
          .configuration = configuration_from(object_from(fields, "configuration"))};
}

}  // namespace

std::string to_json(const Status& status) {
  const ordered_json object = {{"time", text_of(status.time)},
                               {"concerns", list_of(concerns_of(status))},
                               {"shim", json_of(status.shim)},
                               {"runtime", json_of(status.runtime)},
                               {"registries", list_of(status.registries)},
                               {"original", json_of(status.original)},
                               {"cache", json_of(status.cache)},
                               {"namesRemembered", status.names_remembered},
                               {"decisions", list_of(status.decisions)},
                               {"configuration", json_of(status.configuration)}};
  return object.dump(kIndent, ' ', true, ordered_json::error_handler_t::replace) + "\n";
}

Expected<Status> status_from_json(std::string_view text) {
  return read_json<Status>(text, status_from);
}

}  // namespace shim::observe
