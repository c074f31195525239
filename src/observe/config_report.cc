#include "observe/config_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "config/parse.h"
#include "config/print.h"
#include "observe/json_fields.h"

namespace shim::observe {

using config::Origin;
using config::Setting;
using nlohmann::json;
using nlohmann::ordered_json;

namespace {

constexpr int kIndent = 2;
constexpr std::int64_t kMostLines = std::numeric_limits<int>::max();

// What JSON has a type of its own for; everything else is a text, durations and sizes too.
constexpr std::array<std::string_view, 5> kFlags = {"force", "debug", "restoreNames", "disableStats",
                                                    "insecureSkipVerify"};
constexpr std::array<std::string_view, 4> kNumbers = {"priority", "offlinePriority", "failureThreshold",
                                                      "imageCacheSize"};

constexpr std::array<std::pair<std::string_view, Origin::Kind>, 3> kKindNames = {
    {{"default", Origin::Kind::built_in}, {"file", Origin::Kind::file}, {"configMap", Origin::Kind::config_map}}};

std::string_view name_of(Origin::Kind kind) {
  return std::ranges::find(kKindNames, kind, &std::pair<std::string_view, Origin::Kind>::second)->first;
}

ordered_json json_of(const std::string& text, std::string_view path) {
  const std::string_view key = path.substr(path.rfind('.') + 1);
  if (std::ranges::find(kFlags, key) != kFlags.end()) return text == "true";
  int number = 0;
  const bool is_number = std::ranges::find(kNumbers, key) != kNumbers.end() &&
                         std::from_chars(text.data(), text.data() + text.size(), number).ec == std::errc();
  return is_number ? ordered_json(number) : ordered_json(text);
}

ordered_json json_of(const Setting& setting) {
  ordered_json object = {{"path", setting.path}};
  if (const auto* text = std::get_if<std::string>(&setting.value)) {
    object["value"] = json_of(*text, setting.path);
  } else {
    object["value"] = std::get<std::vector<std::string>>(setting.value);
  }
  object["origin"] = name_of(setting.origin.kind);
  if (setting.origin.line > 0) object["line"] = setting.origin.line;
  if (!setting.origin.variables.empty()) object["variables"] = setting.origin.variables;
  if (setting.printed_line > 0) object["yamlLine"] = setting.printed_line;
  return object;
}

int line_from(const Fields& fields, const char* name) {
  return static_cast<int>(fields.number(name, kMostLines).value_or(0));
}

Origin::Kind kind_from(const Fields& fields) {
  const std::string name = fields.text("origin");
  const auto found = std::ranges::find(kKindNames, name, &std::pair<std::string_view, Origin::Kind>::first);
  if (found == kKindNames.end()) fields.refuse("origin", "default, file or configMap");
  return found->second;
}

Setting setting_from(const Fields& fields) {
  Setting setting{
      .path = fields.text("path"), .value = {}, .printed_line = line_from(fields, "yamlLine"), .origin = {}};
  setting.origin = {kind_from(fields), line_from(fields, "line"), fields.texts("variables")};
  const json* value = fields.find("value");
  if (!value) fields.refuse("value", "a value");
  if (value->is_array()) {
    setting.value = fields.texts("value");
  } else {
    setting.value = value->is_string() ? value->get<std::string>() : value->dump();
  }
  return setting;
}

ConfigReport report_from(const Fields& fields) {
  if (!fields.find("settings")) fields.refuse("settings", "a list");
  ConfigReport report{.file = fields.text("file"),
                      .config_map = fields.text("configMap"),
                      .yaml = fields.text("yaml"),
                      .settings = {},
                      .differences = fields.texts("differences")};
  for (const json& setting : fields.list("settings")) {
    const std::string path = fmt::format("settings[{}]", report.settings.size());
    report.settings.push_back(setting_from(Fields(setting, path)));
  }
  return report;
}

}  // namespace

ConfigReport report_of(const config::InUse& configuration, const config::Environment& environment) {
  ConfigReport report{.file = configuration.file,
                      .config_map = {},
                      .yaml = config::print(configuration.config),
                      .settings = {},
                      .differences = {}};
  report.settings = config::settings_of(report.yaml, configuration.text, &configuration.overlay);
  const config::ConfigMap& map = configuration.config.config_map;
  if (!configuration.overlay.empty()) report.config_map = map.name_space + "/" + map.name;
  if (!configuration.problem.empty()) {
    report.differences.push_back(fmt::format("{} is not in use as it is now, but its last good version: {}",
                                             report.file, configuration.problem));
  }
  const auto parsed = config::parse(configuration.text, report.file, environment, &configuration.overlay);
  if (!parsed.config) return report;
  const auto wanted = config::settings_of(config::print(*parsed.config), {}, nullptr);
  std::ranges::move(config::pending_restart(report.settings, wanted), std::back_inserter(report.differences));
  return report;
}

std::string origin_text(const ConfigReport& report, const Origin& origin) {
  std::string text = "default";
  if (origin.kind == Origin::Kind::config_map) text = "ConfigMap " + report.config_map;
  if (origin.kind == Origin::Kind::file) text = fmt::format("{}:{}", report.file, origin.line);
  for (const std::string& name : origin.variables) text += fmt::format(" ${{{}}}", name);
  return text;
}

std::string to_json(const ConfigReport& report) {
  ordered_json object = {{"file", report.file}};
  if (!report.config_map.empty()) object["configMap"] = report.config_map;
  object["differences"] = report.differences;
  object["settings"] = ordered_json::array();
  for (const Setting& setting : report.settings) object["settings"].push_back(json_of(setting));
  if (!report.yaml.empty()) object["yaml"] = report.yaml;
  return object.dump(kIndent, ' ', true, ordered_json::error_handler_t::replace) + "\n";
}

Expected<ConfigReport> config_report_from_json(std::string_view text) {
  return read_json<ConfigReport>(text, report_from);
}

}  // namespace shim::observe
