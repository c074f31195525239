#include "commands/serve.h"

#include <spdlog/spdlog.h>

#include "base/log.h"
#include "commands/configuration.h"
#include "commands/daemon.h"
#include "config/startup_lines.h"

namespace shim::commands {
namespace {

constexpr int kInvalidConfiguration = 2;

void log_diagnostics(const std::vector<config::Diagnostic>& diagnostics) {
  for (const config::Diagnostic& diagnostic : diagnostics) {
    const std::string line = to_string(diagnostic);
    switch (diagnostic.severity) {
      case config::Severity::error:
        spdlog::error("{}", line);
        break;
      case config::Severity::warning:
        spdlog::warn("{}", line);
        break;
      case config::Severity::note:
        spdlog::info("{}", line);
        break;
    }
  }
}

LogOptions log_options(const config::Config& config) {
  return {.format = config.log.format == config::LogFormat::json ? LogFormat::json : LogFormat::text,
          .debug = config.debug};
}

}  // namespace

int serve(const CommandLine& line) {
  const LoadedConfiguration loaded = load_configuration(line.file);
  configure_log(loaded.config ? log_options(*loaded.config) : LogOptions{});
  spdlog::info("{}", version_line());
  log_diagnostics(loaded.diagnostics);
  if (!loaded.config) {
    spdlog::error("the configuration is not valid; nothing is served (see the lines above)");
    return kInvalidConfiguration;
  }
  for (const std::string& text : config::startup_lines(*loaded.config)) spdlog::info("{}", text);
  for (const std::string& text : config::registry_lines(*loaded.config)) spdlog::info("{}", text);
  Daemon daemon(*loaded.config);
  return daemon.run();
}

}  // namespace shim::commands
