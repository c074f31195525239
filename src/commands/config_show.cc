#include "commands/config_show.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <expected>
#include <filesystem>
#include <string>
#include <system_error>
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

// False where that cannot be told.
bool is_another_file(const std::string& asked_for, const std::string& in_use) {
  std::error_code unknown;
  const bool is_same = std::filesystem::equivalent(asked_for, in_use, unknown);
  return !asked_for.empty() && !unknown && !is_same;
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
  const std::string socket = probable_admin_socket(line, loaded);
  auto report = ask_for_config(socket);
  if (report) {
    if (is_another_file(line.file, report->file)) {
      say(fmt::format("the shim at {} reads {}, not {}", socket, report->file, line.file));
    }
    return show(std::move(*report), line.as_json);
  }
  say(report.error().message);
  if (report.error().kind == AdminFailure::Kind::forbidden) return kNotAsked;
  if (!say_diagnostics(loaded)) return kInvalid;
  say("shown is the file alone; what a ConfigMap has set there, only a running shim can tell");
  return show(report_of_file(std::move(loaded)), line.as_json);
}

}  // namespace shim::commands
