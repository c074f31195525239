#include "commands/pull_report.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "base/units.h"

namespace shim::commands {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr int kIndent = 2;

std::string text_at(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::string failed_text(const PullReport& report) {
  if (!report.status.is_ok()) {
    return fmt::format("✗ {}: {}: {}\n", printable(report.image), http2::status_name(report.status.code),
                       printable(report.status.message));
  }
  return fmt::format("✗ {}: pulled as {}, and the runtime does not find it afterwards\n", printable(report.image),
                     printable(report.reference));
}

}  // namespace

std::string pull_text(const PullReport& report) {
  if (!report.is_done()) return failed_text(report);
  std::string text = fmt::format("✓ {}: pulled in {}\n", printable(report.image), format_duration(report.duration));
  if (report.source) {
    text += fmt::format("  {}  {}, as {}\n",
                        report.source->is_certain ? "source:  " : "expected:", printable(report.source->registry),
                        printable(report.source->name));
    if (!report.source->why.empty()) text += fmt::format("  because:   {}\n", printable(report.source->why));
  }
  text += fmt::format("  image ID:  {}\n  before:    {}\n", printable(report.image_id),
                      report.was_present ? "an image of that name was on the node" : "it was not on the node");
  return text;
}

std::string pull_json(const PullReport& report) {
  ordered_json object = {{"image", report.image}};
  if (!report.pod_namespace.empty()) object["namespace"] = report.pod_namespace;
  object["pulled"] = report.is_done();
  object["wasPresent"] = report.was_present;
  object["durationMs"] = report.duration.count();
  if (!report.image_id.empty()) object["imageId"] = report.image_id;
  if (report.source) {
    object["source"] = {{"registry", report.source->registry},
                        {"name", report.source->name},
                        {"why", report.source->why},
                        {"certain", report.source->is_certain}};
  }
  if (!report.status.is_ok()) {
    object["error"] = {{"code", http2::status_name(report.status.code)}, {"message", report.status.message}};
  }
  return object.dump(kIndent, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

std::optional<PullSource> source_in_status(std::string_view text, std::string_view image,
                                           std::string_view pod_namespace) {
  const json status = json::parse(text, nullptr, false);
  if (!status.is_object()) return std::nullopt;
  const auto decisions = status.find("decisions");
  if (decisions == status.end() || !decisions->is_array()) return std::nullopt;
  for (const json& decision : *decisions) {  // newest first
    if (!decision.is_object() || text_at(decision, "image") != image) continue;
    if (text_at(decision, "namespace") != pod_namespace) continue;
    PullSource source{text_at(decision, "source"), text_at(decision, "name"), text_at(decision, "why")};
    if (source.registry.empty()) return std::nullopt;
    return source;
  }
  return std::nullopt;
}

}  // namespace shim::commands
