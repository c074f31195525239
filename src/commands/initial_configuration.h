// What the daemon starts with: the file, or after a reboot with an invalid one the copy of the last good one (DESIGN
// 6).
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "commands/configuration.h"
#include "config/config.h"
#include "config/diagnostic.h"

namespace shim::commands {

struct InitialConfiguration {
  std::string file;                          // its path, whether it could be used or not
  std::string text;                          // what `config` was made from: the file's, or the copy's
  config::Config config;                     // in use
  std::string file_errors;                   // why the copy is used; empty: the file is good
  std::string copy;                          // its path; empty: the file is good
  std::vector<config::Diagnostic> warnings;  // about the file, as far as it is used
};

// Errors: the file is not valid, and there is no copy; the message says why not.
Expected<InitialConfiguration> initial_configuration(LoadedConfiguration loaded);

}  // namespace shim::commands
