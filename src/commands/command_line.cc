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
  1  a check failed, no registry has the image, or the shim could not serve (socket in use, no permission …)
  2  the configuration or the command line is not valid

Examples:
  image-cri-shim -f /etc/image-cri-shim.yaml            serve with this file
  image-cri-shim -f /etc/image-cri-shim.yaml --dry-run  validate it, show it, ask the runtime and registries
  image-cri-shim resolve nginx:1.25                     which registry would serve it, and why
  image-cri-shim config show                            what is in use, and where each value comes from
  journalctl -u image-cri-shim -f                       see what it does
)";

constexpr const char* kResolveDescription =
    "Say which registry would serve an image, and why not another: every candidate in order, what was found there,\n"
    "and why it is chosen or not. Asks the running shim; where none runs, asks the registries from here";

constexpr const char* kResolveFooter = R"(
Exit codes:
  0  a pull has a source: a registry that has the image, or the image's own registry (fallback: upstream)
  1  no source is left, or nobody could be asked
  2  the configuration, the command line or the name of the image is not valid

Examples:
  image-cri-shim resolve nginx:1.25                             as the running shim would pull it
  image-cri-shim resolve ghcr.io/org/app:v1 --namespace team-a  for a pod of that namespace
  image-cri-shim resolve nginx:1.25 --json | jq -r '.candidates[] | select(.chosen).name'
  image-cri-shim resolve nginx -f new.yaml --admin /nowhere     with another file, as no shim is there
)";

constexpr const char* kConfigShowDescription =
    "Print the effective configuration without secrets, each value with where it comes from: the default, the line of\n"
    "the file, or the ConfigMap. Asks the running shim; where none runs, reads the file alone";

constexpr const char* kConfigShowFooter = R"(
What is printed is a configuration again, with the origins as comments.

Exit codes:
  0  shown
  1  the shim could not be asked (only root may)
  2  the configuration or the command line is not valid

Examples:
  image-cri-shim config show                                what is in use
  image-cri-shim config show --json | jq '.settings[] | select(.origin != "default")'
  image-cri-shim config show -f new.yaml --admin /nowhere   of another file, as no shim is there
)";

constexpr const char* kConfigReferenceDescription =
    "Print every key of the configuration file as Markdown: what it holds, its bounds, default and meaning. Reads no\n"
    "file and asks nobody";

constexpr const char* kCheckDescription =
    "Validate the configuration, print it as it takes effect, and ask the runtime and each registry: do they answer,\n"
    "are the credentials accepted, and can the runtime itself pull from there with its own settings";

constexpr const char* kCheckFooter = R"(
Each line says ✓, ! (worth a look) or ✗ (failed), and below it what to do: a text that is to be written into a file is
indented below the file's name. Best run as root, on the node.

Exit codes:
  0  nothing has failed
  1  a check failed: the runtime or a registry does not answer, refuses, or the runtime cannot pull from it
  2  the configuration or the command line is not valid

Examples:
  image-cri-shim check
  image-cri-shim check -f new.yaml --json | jq -r '.[] | select(.mark != "ok") | .what, .hint'
)";

constexpr const char* kJsonDescription = "JSON, alone on stdout";
constexpr int kNotUnderstood = 2;

void add_json_and_admin(CLI::App& command, CommandLine& line) {
  command.add_flag("--json", line.as_json, kJsonDescription);
  command.add_option("--admin", line.admin, "Admin socket of the running shim; default: the file's `admin`")
      ->type_name("SOCKET");
}

CLI::App* add_check(CLI::App& app, CommandLine& line) {
  CLI::App* check = app.add_subcommand("check", kCheckDescription);
  check->footer(kCheckFooter);
  check->add_flag("--json", line.as_json, kJsonDescription);
  return check;
}

CLI::App* add_resolve(CLI::App& app, CommandLine& line) {
  CLI::App* resolve = app.add_subcommand("resolve", kResolveDescription);
  resolve->footer(kResolveFooter);
  resolve->add_option("IMAGE", line.image, "Name as in a pod: nginx:1.25, ghcr.io/org/app@sha256:…")->required();
  resolve->add_option("-n,--namespace", line.pod_namespace, "Namespace of the pod, for entries with `namespaces`")
      ->type_name("NS");
  add_json_and_admin(*resolve, line);
  return resolve;
}

CLI::App* add_config(CLI::App& app) {
  CLI::App* config = app.add_subcommand("config", "Look at the configuration");
  config->require_subcommand(1);
  return config;
}

CLI::App* add_config_show(CLI::App& config, CommandLine& line) {
  CLI::App* show = config.add_subcommand("show", kConfigShowDescription);
  show->footer(kConfigShowFooter);
  add_json_and_admin(*show, line);
  return show;
}

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
  const auto* check = add_check(app, line);
  const auto* resolve = add_resolve(app, line);
  CLI::App* config = add_config(app);
  const auto* config_show = add_config_show(*config, line);
  const auto* config_reference = config->add_subcommand("reference", kConfigReferenceDescription);
  add_kubelet(app, line.kubelet);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error, std::cout, std::cerr) == 0 ? 0 : kNotUnderstood;
  }
  if (resolve->parsed()) line.command = CommandLine::Command::resolve;
  if (config_show->parsed()) line.command = CommandLine::Command::config_show;
  if (config_reference->parsed()) line.command = CommandLine::Command::config_reference;
  if (line.kubelet.action != KubeletLine::Action::none) line.command = CommandLine::Command::kubelet;
  if (is_dry_run || check->parsed()) line.command = CommandLine::Command::check;
  return line;
}

}  // namespace shim::commands
