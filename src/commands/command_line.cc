#include "commands/command_line.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <chrono>
#include <functional>
#include <iostream>
#include <string>

#include "commands/command_syntax.h"
#include "commands/completion.h"
#include "commands/manual.h"
#include "commands/shim_client.h"

#include "base/units.h"

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
  image-cri-shim status --watch                         what it does now, and what is wrong
  image-cri-shim pull nginx:1.25                        pull it as the kubelet would, and say from where
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

constexpr const char* kStatusDescription =
    "Say how the running shim and its surroundings are: the runtime, the registries, the last pulls with the source "
    "of\n"
    "each and why it was used, the configuration, and first of all what is wrong and what to do about it";

constexpr const char* kStatusFooter = R"(
With --watch it asks again and again until Ctrl-C: in place on a terminal, one block after the other elsewhere.

Exit codes:
  0  all is well
  1  something needs attention, no shim runs, or it could not be asked (only root may)
  2  the command line is not valid

Examples:
  image-cri-shim status
  image-cri-shim status --watch=5s
  image-cri-shim status --json | jq -r '.decisions[] | [.time, .image, .source, .why] | @tsv'
  image-cri-shim status --json | jq -e '.registries | all(.state != "left-out")'
)";

constexpr const char* kConfigReferenceDescription =
    "Print every key of the configuration file as Markdown: what it holds, its bounds, default and meaning. Reads no\n"
    "file and asks nobody";

constexpr const char* kCheckDescription =
    "Validate the configuration, print it as it takes effect, and ask the runtime and each registry: do they answer,\n"
    "are the credentials accepted, and can the runtime itself pull from there with its own settings. Looks at\n"
    "certificates, clocks, the ConfigMap and the kubelet, too";

constexpr const char* kCheckFooter = R"(
Each line says ✓, ! (worth a look) or ✗ (failed), and below it what to do: a text that is to be written into a file is
indented below the file's name. Best run as root, on the node.

Exit codes:
  0  nothing has failed
  1  a check failed: the runtime or a registry does not answer or refuses, the runtime cannot pull from it, the
     ConfigMap is not valid, or the kubelet points at a shim that does not answer
  2  the configuration or the command line is not valid

All that is asked is asked at once: it ends within 5 seconds and the file's `probe.timeout`.

Examples:
  image-cri-shim check
  image-cri-shim check -f new.yaml --json | jq -r '.[] | select(.mark != "ok") | .what, .hint'
)";

constexpr const char* kPullDescription =
    "Pull an image through the running shim, as the kubelet would, and say which registry it came from and why. The\n"
    "image stays on the node. Ctrl-C cancels the pull";

constexpr const char* kPullFooter = R"(
Exit codes:
  0    the image is on the node
  1    it is not: the error is that of a pod, word for word
  2    the configuration or the command line is not valid, or there is no password
  130  interrupted

Examples:
  image-cri-shim pull nginx:1.25
  image-cri-shim pull ghcr.io/org/app:v1 --namespace team-a      for a pod of that namespace
  image-cri-shim pull ghcr.io/org/app:v1 --creds robot <robot.pw  as with an imagePullSecret
  image-cri-shim pull nginx:1.25 --json | jq -r .source.registry
)";

constexpr const char* kCompletionDescription = "Print a script that completes these commands in a shell";

constexpr const char* kCompletionFooter = R"(
Exit codes:
  0  printed
  2  the command line is not valid

Examples:
  source <(image-cri-shim completion bash)
  image-cri-shim completion bash >/usr/share/bash-completion/completions/image-cri-shim
  image-cri-shim completion zsh >/usr/share/zsh/site-functions/_image-cri-shim
  image-cri-shim completion fish >~/.config/fish/completions/image-cri-shim.fish
)";

constexpr const char* kJsonDescription = "JSON, alone on stdout";
constexpr int kNotUnderstood = 2;
constexpr std::chrono::milliseconds kShortestWatch{200};
constexpr std::chrono::hours kLongestWatch{1};
constexpr const char* kWatchInterval = "2s";

void add_json_and_admin(CLI::App& command, CommandLine& line) {
  command.add_flag("--json", line.as_json, kJsonDescription);
  command.add_option("--admin", line.admin, "Admin socket of the running shim; default: the file's `admin`")
      ->type_name("SOCKET");
}

CLI::App* add_check(CLI::App& app, CommandLine& line) {
  CLI::App* check = app.add_subcommand("check", kCheckDescription);
  check->footer(kCheckFooter);
  check->add_flag("--json", line.as_json, kJsonDescription);
  check->add_option("--root", line.kubelet.root)->group("");
  return check;
}

CLI::App* add_pull(CLI::App& app, CommandLine& line) {
  CLI::App* pull = app.add_subcommand("pull", kPullDescription);
  pull->footer(kPullFooter);
  pull->add_option("IMAGE", line.image, "Name as in a pod: nginx:1.25, ghcr.io/org/app@sha256:…")
      ->required()
      ->type_name("");
  pull->add_option("-n,--namespace", line.pod_namespace, "Namespace of the pod, for entries with `namespaces`")
      ->type_name("NS");
  pull->add_option("--creds", line.username, "Pull as this user; the password is read from stdin, or asked for")
      ->type_name("USER");
  add_json_and_admin(*pull, line);
  return pull;
}

CLI::App* add_completion(CLI::App& app, std::string& shell) {
  CLI::App* completion = app.add_subcommand("completion", kCompletionDescription);
  completion->footer(kCompletionFooter);
  completion->add_option("SHELL", shell, "bash, zsh or fish")
      ->required()
      ->type_name("")
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  return completion;
}

Shell shell_of(const std::string& name) {
  if (name == "zsh") return Shell::zsh;
  return name == "fish" ? Shell::fish : Shell::bash;
}

CLI::App* add_resolve(CLI::App& app, CommandLine& line) {
  CLI::App* resolve = app.add_subcommand("resolve", kResolveDescription);
  resolve->footer(kResolveFooter);
  resolve->add_option("IMAGE", line.image, "Name as in a pod: nginx:1.25, ghcr.io/org/app@sha256:…")
      ->required()
      ->type_name("");
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

std::chrono::milliseconds watch_interval(const std::string& text) {
  const auto interval = parse_duration(text);
  if (!interval) throw CLI::ValidationError("--watch", interval.error().message);
  if (*interval < kShortestWatch || *interval > kLongestWatch) {
    throw CLI::ValidationError("--watch", "expected 200ms to 1h, got " + text);
  }
  return std::chrono::round<std::chrono::milliseconds>(*interval);
}

CLI::App* add_status(CLI::App& app, CommandLine& line) {
  CLI::App* status = app.add_subcommand("status", kStatusDescription);
  status->footer(kStatusFooter);
  const std::function<void(const std::string&)> read = [&line](const std::string& text) {
    line.watch = watch_interval(text);
  };
  status->add_option_function("--watch", read, "Ask again and again, every 2s or DURATION")
      ->type_name("[=DURATION]")
      ->expected(0, 1)
      ->default_str(kWatchInterval);
  add_json_and_admin(*status, line);
  return status;
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
  app.add_option("-f,--file", line.file, "Configuration file (YAML); default: /etc/image-cri-shim.yaml")
      ->type_name("FILE");
  app.add_flag("--dry-run", is_dry_run, "The same as the command check");
  app.fallthrough();  // -f before or after the command
  const auto* check = add_check(app, line);
  const auto* resolve = add_resolve(app, line);
  const auto* pull = add_pull(app, line);
  CLI::App* config = add_config(app);
  const auto* config_show = add_config_show(*config, line);
  const auto* config_reference = config->add_subcommand("reference", kConfigReferenceDescription);
  add_kubelet(app, line.kubelet);
  const auto* status = add_status(app, line);
  std::string shell;
  const auto* completion = add_completion(app, shell);
  const auto* manual = app.add_subcommand("man", "Print the manual page")->group("");  // for the build
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error, std::cout, std::cerr) == 0 ? 0 : kNotUnderstood;
  }
  constexpr int kNotWritten = 1;
  if (completion->parsed()) {
    return write_answer(completion_script(syntax_of(app), shell_of(shell))) ? 0 : kNotWritten;
  }
  if (manual->parsed()) return write_answer(manual_page(syntax_of(app), version_line())) ? 0 : kNotWritten;
  if (resolve->parsed()) line.command = CommandLine::Command::resolve;
  if (pull->parsed()) line.command = CommandLine::Command::pull;
  if (config_show->parsed()) line.command = CommandLine::Command::config_show;
  if (config_reference->parsed()) line.command = CommandLine::Command::config_reference;
  if (line.kubelet.action != KubeletLine::Action::none) line.command = CommandLine::Command::kubelet;
  if (status->parsed()) line.command = CommandLine::Command::status;
  if (is_dry_run || check->parsed()) line.command = CommandLine::Command::check;
  return line;
}

}  // namespace shim::commands
