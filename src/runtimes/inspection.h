// From what a runtime says of itself, and its files, to its settings.
#pragma once

#include <optional>
#include <string>

#include "runtimes/settings.h"

namespace shim::runtimes {

struct Answers {
  std::string name{};     // of its VersionResponse
  std::string version{};  // of the same
  std::string config{};   // `info["config"]` of its verbose StatusResponse; empty where there is none
};

// `config_file` is containerd's, where its process names one. Reads it, bounded, with what it imports; blocks on the
// disk.
RuntimeSettings inspect(const Answers& answers, std::optional<std::string> config_file);

}  // namespace shim::runtimes
