#include "kubernetes/api_object.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>
#include <vector>

#include "base/text.h"
#include "kubernetes/json_scalars.h"

namespace shim::kubernetes {
namespace {

constexpr std::size_t kMaxMessageBytes = 512;
constexpr std::size_t kMaxNameBytes = 64;
constexpr std::size_t kMaxUserBytes = 256;

// The scalars of an object that matter for any of its kinds.
struct Scalars {
  std::optional<JsonScalar> type, kind, name, name_space, resource_version, value, code, reason, message, retry_after;
};

enum class Frame { none, watch };  // what the object is wrapped in

Expected<Scalars> read(std::string_view text, const std::string& key, Frame frame) {
  const std::vector<JsonPath> of_object = {{"kind"},
                                           {"metadata", "name"},
                                           {"metadata", "namespace"},
                                           {"metadata", "resourceVersion"},
                                           {"data", key},
                                           {"code"},
                                           {"reason"},
                                           {"message"},
                                           {"details", "retryAfterSeconds"}};
  std::vector<JsonPath> paths;
  for (JsonPath path : of_object) {
    if (frame == Frame::watch) path.insert(path.begin(), "object");
    paths.push_back(std::move(path));
  }
  if (frame == Frame::watch) paths.push_back({"type"});
  auto found = read_scalars(text, paths);
  if (!found) return std::unexpected(found.error());
  auto& at = *found;
  Scalars scalars{.type = std::nullopt,
                  .kind = std::move(at[0]),
                  .name = std::move(at[1]),
                  .name_space = std::move(at[2]),
                  .resource_version = std::move(at[3]),
                  .value = std::move(at[4]),
                  .code = std::move(at[5]),
                  .reason = std::move(at[6]),
                  .message = std::move(at[7]),
                  .retry_after = std::move(at[8])};
  if (frame == Frame::watch) scalars.type = std::move(at[9]);
  return scalars;
}

// Empty where there is none, or one of another type.
std::string string_of(const std::optional<JsonScalar>& scalar) {
  return scalar && scalar->kind == JsonScalar::Kind::string ? scalar->text : "";
}

std::optional<long> integer_of(const std::optional<JsonScalar>& scalar) {
  if (!scalar || scalar->kind != JsonScalar::Kind::integer) return std::nullopt;
  long value = 0;
  const char* end = scalar->text.data() + scalar->text.size();
  const auto [read_to, error] = std::from_chars(scalar->text.data(), end, value);
  if (error != std::errc() || read_to != end) return std::nullopt;
  return value;
}

// From `… is forbidden: User "system:node:worker-1" cannot get resource …`.
std::string user_in(std::string_view message) {
  constexpr std::string_view kBefore = "User \"";
  const auto at = message.find(kBefore);
  if (at == std::string_view::npos) return {};
  message.remove_prefix(at + kBefore.size());
  return printable(message.substr(0, message.find("\" cannot ")), kMaxUserBytes);
}

Expected<void> check_kind(const Scalars& scalars, std::string_view wanted) {
  const std::string kind = string_of(scalars.kind);
  if (kind == wanted) return {};
  if (kind.empty()) return fail("no object of Kubernetes");
  return fail(fmt::format("a {} instead of a {}", printable(kind, kMaxNameBytes), wanted));
}

Expected<ConfigMap> config_map_of(Scalars scalars, const ConfigMapKey& wanted) {
  if (const auto is_one = check_kind(scalars, "ConfigMap"); !is_one) return std::unexpected(is_one.error());
  const std::string name = string_of(scalars.name);
  const std::string name_space = string_of(scalars.name_space);
  if (name != wanted.name || name_space != wanted.name_space) {
    return fail(fmt::format("the ConfigMap {}/{} instead of {}", printable(name_space, kMaxNameBytes),
                            printable(name, kMaxNameBytes), wanted.place()));
  }
  ConfigMap config_map{.text = std::nullopt, .resource_version = string_of(scalars.resource_version)};
  if (config_map.resource_version.empty()) return fail("a ConfigMap without metadata.resourceVersion");
  if (!scalars.value) return config_map;
  if (scalars.value->kind != JsonScalar::Kind::string) {
    return fail(fmt::format("a ConfigMap whose data[{}] is no text", in_quotes(wanted.key)));
  }
  config_map.text = std::move(scalars.value->text);
  return config_map;
}

Expected<Status> status_of(const Scalars& scalars) {
  if (const auto is_one = check_kind(scalars, "Status"); !is_one) return std::unexpected(is_one.error());
  const std::string message = string_of(scalars.message);
  Status status{.code = static_cast<int>(std::clamp(integer_of(scalars.code).value_or(0), 0L, 999L)),
                .reason = printable(string_of(scalars.reason), kMaxNameBytes),
                .message = printable(message, kMaxMessageBytes),
                .retry_after = std::nullopt,
                .user = user_in(message)};
  const auto seconds = integer_of(scalars.retry_after);
  if (seconds && *seconds > 0) status.retry_after = std::chrono::seconds(*seconds);
  return status;
}

}  // namespace

Expected<ConfigMap> parse_config_map(std::string_view text, const ConfigMapKey& wanted) {
  auto scalars = read(text, wanted.key, Frame::none);
  if (!scalars) return std::unexpected(scalars.error());
  return config_map_of(std::move(*scalars), wanted);
}

Expected<Event> parse_event(std::string_view frame, const ConfigMapKey& wanted) {
  auto scalars = read(frame, wanted.key, Frame::watch);
  if (!scalars) return std::unexpected(scalars.error());
  const std::string type = string_of(scalars->type);
  if (type == "ERROR") {
    auto status = status_of(*scalars);
    if (!status) return std::unexpected(status.error());
    return Event{.kind = Event::Kind::error, .config_map = {}, .status = std::move(*status)};
  }
  if (type == "BOOKMARK") {
    ConfigMap version{.text = std::nullopt, .resource_version = string_of(scalars->resource_version)};
    if (version.resource_version.empty()) return fail("a bookmark without metadata.resourceVersion");
    return Event{.kind = Event::Kind::bookmark, .config_map = std::move(version), .status = {}};
  }
  const bool is_deleted = type == "DELETED";
  if (!is_deleted && type != "ADDED" && type != "MODIFIED") {
    return fail(type.empty() ? "no event of a watch" : "an event of type " + in_quotes(type, kMaxNameBytes));
  }
  auto config_map = config_map_of(std::move(*scalars), wanted);
  if (!config_map) return std::unexpected(config_map.error());
  if (is_deleted) config_map->text.reset();
  return Event{.kind = is_deleted ? Event::Kind::deleted : Event::Kind::present,
               .config_map = std::move(*config_map),
               .status = {}};
}

Expected<Status> parse_status(std::string_view text) {
  const auto scalars = read(text, "", Frame::none);
  if (!scalars) return std::unexpected(scalars.error());
  return status_of(*scalars);
}

}  // namespace shim::kubernetes
