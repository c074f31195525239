#include "config/reload.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "config/file_edit.h"
#include "config/parse.h"

namespace shim::config {
namespace {

constexpr std::size_t kMostErrorsInALine = 5;

struct RestartKey {
  std::string_view name;
  std::string Config::* value;
};
constexpr std::array<RestartKey, 4> kRestartKeys = {
    {{"shim", &Config::shim}, {"cri", &Config::cri}, {"image", &Config::image}, {"admin", &Config::admin}}};

bool is_another(const ConfigMap& left, const ConfigMap& right) {
  return (left.enabled == Enabled::no) != (right.enabled == Enabled::no) || left.name_space != right.name_space ||
         left.name != right.name || left.key != right.key;
}

std::vector<Diagnostic> unreadable(const std::string& file, const Error& error) {
  // load() names the file in its message.
  Diagnostic diagnostic;
  diagnostic.message = error.message.find(file) != std::string::npos ? error.message : file + ": " + error.message;
  return {std::move(diagnostic)};
}

// A text as the base of what is to be in use.
struct Attempt {
  std::optional<Config> config;
  bool newest_has_effect = false;
  std::vector<Diagnostic> about_text;
  std::vector<Diagnostic> about_newest;
};

Attempt try_text(std::string_view text, const Sources& sources, const Environment& environment) {
  Attempt attempt;
  if (sources.newest) {
    ParseResult with_newest = parse(text, sources.file, environment, &*sources.newest);
    if (with_newest.config) return {std::move(with_newest.config), true, std::move(with_newest.diagnostics), {}};
    attempt.about_newest = std::move(with_newest.diagnostics);
  }
  ParseResult as_before = parse(text, sources.file, environment, &sources.overlay);
  attempt.config = std::move(as_before.config);
  attempt.about_text = std::move(as_before.diagnostics);
  if (!attempt.config) attempt.about_newest.clear();  // the text's fault
  return attempt;
}

}  // namespace

Evaluation evaluate(const Sources& sources, const Environment& environment) {
  Evaluation result;
  Attempt attempt;
  if (sources.text) {
    attempt = try_text(*sources.text, sources, environment);
    result.about_file = std::move(attempt.about_text);
  } else {
    result.about_file = unreadable(sources.file, sources.text.error());
  }
  result.file_is_good = attempt.config.has_value();
  const bool has_overlay = sources.newest || !sources.overlay.empty();
  if (result.file_is_good && has_overlay && is_another(attempt.config->config_map, sources.config_map)) {
    Sources alone = sources;
    alone.overlay = {};
    alone.newest.reset();
    result = evaluate(alone, environment);
    result.config_map_is_another = true;
    return result;
  }
  if (!result.file_is_good) attempt = try_text(sources.last_good, sources, environment);

  result.config = std::move(attempt.config);
  result.newest_has_effect = attempt.newest_has_effect;
  result.about_newest = std::move(attempt.about_newest);
  result.overlay = result.newest_has_effect ? *sources.newest : sources.overlay;
  result.text = result.file_is_good ? *sources.text : sources.last_good;
  if (!result.config || result.overlay.empty()) return result;

  auto edited = edit(result.text, result.overlay, environment);
  if (!edited) {
    result.edit_problem = std::move(edited.error().message);
    return result;
  }
  if (result.file_is_good && *edited != result.text) result.file_content = *edited;
  result.text = std::move(*edited);
  return result;
}

bool is_doubtful(const Sources& sources, const Evaluation& evaluation) {
  return !evaluation.file_is_good || sources.text->find_first_not_of(" \t\r\n") == std::string::npos;
}

std::vector<std::string_view> keys_for_restart(const Config& running, const Config& next) {
  std::vector<std::string_view> keys;
  for (const RestartKey& key : kRestartKeys) {
    if (running.*key.value != next.*key.value) keys.push_back(key.name);
  }
  return keys;
}

Config with_values_until_restart(Config next, const Config& running) {
  for (const RestartKey& key : kRestartKeys) next.*key.value = running.*key.value;
  return next;
}

std::string errors_in_a_line(const std::vector<Diagnostic>& diagnostics) {
  std::string line;
  std::size_t count = 0;
  for (const Diagnostic& diagnostic : diagnostics) {
    if (diagnostic.severity != Severity::error) continue;
    if (++count > kMostErrorsInALine) continue;
    if (!line.empty()) line += "; ";
    line += to_string(diagnostic);
  }
  if (count > kMostErrorsInALine) line += fmt::format("; and {} more errors", count - kMostErrorsInALine);
  return line;
}

}  // namespace shim::config
