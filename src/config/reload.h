// What becomes of the configuration when its file or its ConfigMap has changed: decided here, without I/O (DESIGN 6).
//
// One whole or nothing. A file that cannot be used leaves the text that was good last as the base, on which a new
// ConfigMap still has effect; a ConfigMap that cannot be used leaves the overlay that has effect already. A file that
// no longer names the ConfigMap (`configMap`) is freed from its overlay, and its own values count.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "config/config.h"
#include "config/diagnostic.h"
#include "config/environment.h"
#include "config/overlay.h"

namespace shim::config {

struct Sources {
  std::string file;               // the path, for messages
  Expected<std::string> text;     // what it holds now, or why it cannot be read
  std::string last_good;          // a text that was in use
  Overlay overlay;                // what lies over it
  std::optional<Overlay> newest;  // what a ConfigMap seen since then says; takes the place of `overlay` if it can
  ConfigMap config_map;           // where both come from
};

struct Evaluation {
  std::optional<Config> config;  // what is to be in use; nothing: nothing can be made of any of it
  bool file_is_good = false;     // it is what `config` was made from
  bool newest_has_effect = false;
  bool config_map_is_another = false;       // than the one that the overlays come from, or none: they have no effect
  Overlay overlay;                          // what lies over it from now on
  std::vector<Diagnostic> about_file;       // holds an error where the file is not good
  std::vector<Diagnostic> about_newest;     // holds an error where it was refused
  std::string text;                         // what to keep: it makes `config` by itself, unless `edit_problem`
  std::optional<std::string> file_content;  // what the file should hold instead, for the overlay to be in it
  std::string edit_problem;                 // why the overlay cannot be written into the text
};

Evaluation evaluate(const Sources& sources, const Environment& environment);

// Whether a text may be one that an editor has begun to write: bad, or nothing in it.
bool is_doubtful(const Sources& sources, const Evaluation& evaluation);

// The keys that have another value in `next` and take effect at a start only.
std::vector<std::string_view> keys_for_restart(const Config& running, const Config& next);
// `next` with the values of `running` for these keys.
Config with_values_until_restart(Config next, const Config& running);

// The errors of a file as one line: the first few, and how many more there are. Warnings are left out.
std::string errors_in_a_line(const std::vector<Diagnostic>& diagnostics);

}  // namespace shim::config
