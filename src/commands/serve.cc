#include "commands/serve.h"

#include <spdlog/spdlog.h>

#include <utility>
#include <vector>

#include "base/journal.h"
#include "base/log.h"
#include "commands/configuration.h"
#include "commands/configuration_log.h"
#include "commands/daemon.h"
#include "commands/initial_configuration.h"
#include "config/startup_lines.h"

namespace shim::commands {
namespace {

constexpr int kInvalidConfiguration = 2;

}  // namespace

int serve(const CommandLine& line) {
  LoadedConfiguration loaded = load_configuration(line.file);
  const std::vector<config::Diagnostic> diagnostics = loaded.diagnostics;
  auto initial = initial_configuration(std::move(loaded));
  LogOptions log = initial ? log_options(initial->config) : LogOptions{};
  log.has_priorities = is_journal(log.fd);
  configure_log(log);
  spdlog::info("{}", version_line());
  if (!initial) {
    log_diagnostics(diagnostics);
    spdlog::error("the configuration is not valid; nothing is served (see the lines above)");
    spdlog::info("{}", initial.error().message);
    return kInvalidConfiguration;
  }
  log_diagnostics(initial->warnings);
  if (!initial->copy.empty()) {
    spdlog::error("{} is not used; serving with the last good configuration, kept in {}: {}", initial->file,
                  initial->copy, initial->file_errors);
  }
  for (const std::string& text : config::startup_lines(initial->config)) spdlog::info("{}", text);
  for (const std::string& text : config::registry_lines(initial->config)) spdlog::info("{}", text);
  Daemon daemon(std::move(*initial));
  return daemon.run();
}

}  // namespace shim::commands
