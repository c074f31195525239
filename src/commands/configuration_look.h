// One look at the configuration file, and at what a ConfigMap says since the one before. Blocks on the disk: for a
// worker.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "config/diagnostic.h"
#include "config/environment.h"
#include "config/overlay.h"
#include "config/reload.h"

namespace shim::commands {

// What a file holds, or why it cannot be read.
using FileText = Expected<std::string>;
bool are_same(const FileText& left, const FileText& right);

// The value of the ConfigMap's key.
struct MapText {
  std::string text;
  config::Overlay::Origin origin;
};

struct LookTask {
  config::Sources sources;         // but for what the file holds, and the newest overlay
  std::optional<FileText> judged;  // what it held when it was judged last; nothing: it is to be judged anew
  std::optional<MapText> map;      // not looked at yet
  bool overlay_is_in_file = true;  // then nothing is lost with the overlay that has effect
  config::Environment environment;
};

struct Look {
  config::Sources sources;
  std::optional<config::Evaluation> evaluation;  // nothing: all is as it was
  std::optional<config::Overlay> map_overlay;    // what the map says; nothing where there is none, or it is not valid
  std::vector<config::Diagnostic> about_map;
};

Look look_at_file(LookTask task);

}  // namespace shim::commands
