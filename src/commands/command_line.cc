#include "commands/command_line.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <iostream>

namespace shim::commands {
namespace {

constexpr const char* kDescription =
    "Stands between the kubelet and the container runtime: finds which configured registry has an image,\n"
    "rewrites its name, adds the credentials, and fails over to the next registry. Everything else passes through.";

constexpr const char* kFooter = R"(
Without a command it serves, in the foreground, until SIGTERM (drains, then ends with 0).

Files:
  /etc/image-cri-shim.yaml, else /etc/image-cri-shim/config.yaml

Exit codes:
  0  done
  1  a check failed, or the shim could not serve (socket in use, no permission …)
  2  the configuration or the command line is not valid

Examples:
  image-cri-shim -f /etc/image-cri-shim.yaml            serve with this file
  image-cri-shim -f /etc/image-cri-shim.yaml --dry-run  validate it, show it, test what it names
  journalctl -u image-cri-shim -f                       see what it does
)";

constexpr int kNotUnderstood = 2;

}  // namespace

std::string version_line() {
  return "image-cri-shim " ICS_VERSION;
}

std::variant<CommandLine, int> parse_command_line(int argc, char** argv) {
  CommandLine line;
  bool is_dry_run = false;
  CLI::App app(kDescription, "image-cri-shim");
  app.footer(kFooter);
  app.set_version_flag("-v,--version", version_line());
  app.add_option("-f,--file", line.file, "Configuration file (YAML)")->type_name("FILE");
  app.add_flag("--dry-run", is_dry_run, "The same as the command check");
  app.fallthrough();  // -f before or after the command
  const auto* check = app.add_subcommand(
      "check", "Validate the configuration, print it as it takes effect, test the runtime and each registry");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error, std::cout, std::cerr) == 0 ? 0 : kNotUnderstood;
  }
  if (is_dry_run || check->parsed()) line.command = CommandLine::Command::check;
  return line;
}

}  // namespace shim::commands
