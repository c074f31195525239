#include "commands/config_show.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <expected>
#include <utility>

#include "base/log.h"
#include "commands/config_listing.h"
#include "commands/configuration.h"
#include "commands/shim_client.h"
#include "commands/terminal.h"
#include "config/environment.h"
#include "config/origins.h"
#include "observe/config_report.h"

namespace shim::commands {

using observe::ConfigReport;
using namespace std::chrono_literals;

namespace {

constexpr int kShown = 0;
constexpr int kNotAsked = 1;
constexpr int kInvalid = 2;

constexpr auto kPatience = 10s;

std::expected<ConfigReport, AdminFailure> ask_for_config(const std::string& socket) {
  const auto answer = ask_shim(socket, "/config", kPatience);
  if (!answer) return std::unexpected(answer.error());
  auto report = observe::config_report_from_json(*answer);
  if (report) return std::move(*report);
  return std::unexpected(
      AdminFailure{{fmt::format("what answers at {} is not understood: {}", socket, report.error().message)},
                   AdminFailure::Kind::no_answer});
}

int show(ConfigReport report, bool as_json) {
  if (!as_json) return write_answer(config_listing(report, terminal_of(STDOUT_FILENO))) ? kShown : kNotAsked;
  report.yaml.clear();                                                        // the same again, as text …
  for (config::Setting& setting : report.settings) setting.printed_line = 0;  // … and where in it
  return write_answer(observe::to_json(report)) ? kShown : kNotAsked;
}

ConfigReport report_of_file(LoadedConfiguration loaded) {
  const config::InUse as_if_in_use{.config = std::move(*loaded.config),
                                   .file = std::move(loaded.file),
                                   .text = std::move(loaded.text),
                                   .overlay = {},
                                   .problem = {}};
  return observe::report_of(as_if_in_use, config::process_environment());
}

}  // namespace

int config_show(const CommandLine& line) {
  configure_log({});  // on stderr
  spdlog::set_level(spdlog::level::err);
  std::signal(SIGPIPE, SIG_IGN);
  LoadedConfiguration loaded = load_configuration(line.file);
  if (line.admin.empty() && !loaded.config) {
    say_diagnostics(loaded);
    say(kWithoutTheFile);
    return kInvalid;
  }
  const std::string socket = admin_socket(line, loaded);
  auto report = ask_for_config(socket);
  if (report) {
    if (!line.file.empty() && report->file != line.file) {
      say(fmt::format("the shim at {} reads {}, not {}", socket, report->file, line.file));
    }
    return show(std::move(*report), line.as_json);
  }
  if (report.error().kind == AdminFailure::Kind::forbidden) {
    say(report.error().message);
    return kNotAsked;
  }
  say(report.error().message +
      ": shown is the file alone; what a ConfigMap has set there, only a running shim can tell");
  if (!say_diagnostics(loaded)) return kInvalid;
  return show(report_of_file(std::move(loaded)), line.as_json);
}

}  // namespace shim::commands
