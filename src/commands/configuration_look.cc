#include "commands/configuration_look.h"

#include <utility>

#include "config/load.h"

namespace shim::commands {

bool are_same(const FileText& left, const FileText& right) {
  if (left.has_value() != right.has_value()) return false;
  return left ? *left == *right : left.error().message == right.error().message;
}

Look look_at_file(LookTask task) {
  Look found;
  found.sources = std::move(task.sources);
  config::Sources& sources = found.sources;
  sources.text = config::load(sources.file);
  if (task.map) {
    found.map_overlay = config::Overlay::parse(task.map->text, task.map->origin, task.environment, found.about_map);
    if (found.map_overlay) {
      sources.newest = task.overlay_is_in_file ? *found.map_overlay : found.map_overlay->over(sources.overlay);
    }
  }
  const bool is_as_before = task.judged && are_same(*task.judged, sources.text) && !sources.newest;
  if (!is_as_before) found.evaluation = config::evaluate(sources, task.environment);
  return found;
}

}  // namespace shim::commands
