#include "commands/initial_configuration.h"

#include <utility>

#include "config/environment.h"
#include "config/kept_copy.h"
#include "config/load.h"
#include "config/reload.h"

namespace shim::commands {

Expected<InitialConfiguration> initial_configuration(LoadedConfiguration loaded) {
  InitialConfiguration initial;
  initial.file = std::move(loaded.file);
  if (initial.file.empty()) initial.file = config::default_file_places()[0];
  if (loaded.config) {
    initial.text = std::move(loaded.text);
    initial.config = std::move(*loaded.config);
    initial.warnings = std::move(loaded.diagnostics);
    return initial;
  }
  const config::Environment environment = config::process_environment();
  auto copy = config::find_kept_copy(config::state_directories(loaded.text, environment), environment);
  if (!copy) return std::unexpected(std::move(copy.error()));
  initial.text = std::move(copy->text);
  initial.config = std::move(copy->config);
  initial.file_errors = config::errors_in_a_line(loaded.diagnostics);
  initial.copy = std::move(copy->path);
  return initial;
}

}  // namespace shim::commands
