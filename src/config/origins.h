// Where each value of a configuration comes from: the file, the ConfigMap, or the default. Pure; no secret is in here.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "config/config.h"
#include "config/overlay.h"

namespace shim::config {

struct Origin {
  enum class Kind { built_in, file, config_map };
  Kind kind = Kind::built_in;          // built_in: the default
  int line = 0;                        // in that text; 0: not known
  std::vector<std::string> variables;  // the names in `${…}`, in their order

  friend bool operator==(const Origin&, const Origin&) = default;
};

// A value, or a list of values, as print() writes it.
struct Setting {
  std::string path;  // as in Diagnostic: `registries[1].priority`
  std::variant<std::string, std::vector<std::string>> value;
  int printed_line = 0;  // of print()'s text, from 1
  Origin origin;

  friend bool operator==(const Setting&, const Setting&) = default;
};

// A configuration in use, and what it was made of.
struct InUse {
  Config config;        // but for keys that take effect at a start only, which are as they were at the start
  std::string file;     // its path
  std::string text;     // of the file, or of its last good version
  Overlay overlay;      // what the ConfigMap sets
  std::string problem;  // why the file as it is now is not in use; empty: it is
};

// The values of `printed` that are others than those of the same paths in `wanted`: `shim: /new.sock needs a restart;
// in use is /old.sock`.
std::vector<std::string> pending_restart(const std::vector<Setting>& printed, const std::vector<Setting>& wanted);

// Every value of what print() has `printed` for a configuration, in that order. `text` and `overlay`, which may be
// null, are what the configuration was parsed from.
std::vector<Setting> settings_of(std::string_view printed, std::string_view text, const Overlay* overlay);

}  // namespace shim::config
