// The configuration in use, for people and programs: what `GET /config` answers and `image-cri-shim config show` shows.
// The names of its JSON's fields are documented in docs/operations.md, and stay.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "config/environment.h"
#include "config/origins.h"

namespace shim::observe {

// Without secrets.
struct ConfigReport {
  std::string file;                       // that it was read from
  std::string config_map;                 // `kube-system/image-cri-shim`; empty where none has set anything
  std::string yaml;                       // print()'s text; may be empty
  std::vector<config::Setting> settings;  // of that text
  std::vector<std::string> differences;   // from the file as it is now: a sentence each

  friend bool operator==(const ConfigReport&, const ConfigReport&) = default;
};

// Takes a third of a second for a thousand registries: not for the I/O thread. `environment` is the one that the
// configuration was parsed with.
ConfigReport report_of(const config::InUse& configuration, const config::Environment& environment);

// `/etc/image-cri-shim.yaml:12 ${HARBOR}`, `ConfigMap kube-system/image-cri-shim`, `default`.
std::string origin_text(const ConfigReport& report, const config::Origin& origin);

// In ASCII, so that no terminal takes a value for commands; bytes that are not UTF-8 become U+FFFD.
std::string to_json(const ConfigReport& report);

// Of whatever claims to be a shim. Fields that are not known are skipped. Errors name the field, and what was expected.
Expected<ConfigReport> config_report_from_json(std::string_view text);

}  // namespace shim::observe
