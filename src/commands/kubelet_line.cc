#include "commands/kubelet_line.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

namespace shim::commands {
namespace {

constexpr const char* kDescription = "Point this node's kubelet at the shim, take that back, or see where it points";

constexpr const char* kEnableDescription =
    "Point this node's kubelet at the shim: after the shim has answered, sets imageServiceEndpoint in the kubelet's\n"
    "configuration (or the flag, before Kubernetes 1.27), restarts the kubelet, and waits until it is healthy and "
    "calls\n"
    "the shim. Where that does not happen in time, everything is put back. Running pods go on";

constexpr const char* kEnableFooter = R"(
Exit codes:
  0  the kubelet calls the shim (already, or from now on); with --dry-run: it can be done
  1  it does not: nothing was changed, or it was put back
  2  the command line is not valid

Examples:
  image-cri-shim kubelet enable --dry-run     what would be changed, and whether the shim answers
  image-cri-shim kubelet enable               ask, then do it
  image-cri-shim kubelet enable --yes         from a script
  image-cri-shim kubelet enable --config /etc/kubernetes/kubelet.yaml --unit snap.kubelet.daemon
)";

constexpr const char* kDisableDescription =
    "Take the shim out of the kubelet's way: what `enable` wrote is taken back, also by hand written settings that "
    "name\n"
    "the shim's socket, and the kubelet is restarted. Works without the shim. Running pods go on";

constexpr const char* kDisableFooter = R"(
Exit codes:
  0  the kubelet does not point at the shim (any more)
  1  it still does, or it is not healthy after the restart
  2  the command line is not valid

Examples:
  image-cri-shim kubelet disable --yes        then the shim may be stopped and removed
)";

constexpr const char* kStatusDescription =
    "Say where this node's kubelet gets its images from, which file says so, and whether the shim answers";

constexpr const char* kStatusFooter = R"(
Exit codes:
  0  the kubelet points at the shim, and the shim answers
  1  one of the two does not hold
  2  the command line is not valid

Examples:
  image-cri-shim kubelet status
  image-cri-shim kubelet status --json | jq .pointsAtShim
)";

void add_places(CLI::App& command, KubeletLine& line) {
  command.add_option("--config", line.config, "The kubelet's configuration; default: that of the kubelet that runs")
      ->type_name("FILE");
  command.add_option("--socket", line.socket, "The shim's socket; default: `shim` of its configuration")
      ->type_name("SOCKET");
  command.add_option("--root", line.root)->group("");
}

void add_change(CLI::App& command, KubeletLine& line) {
  command.add_option("--unit", line.unit, "The kubelet's systemd unit")->type_name("UNIT")->capture_default_str();
  command.add_option("--timeout", line.timeout, "Seconds for the kubelet to be healthy again")
      ->type_name("SECONDS")
      ->check(CLI::Range(1, 3600))
      ->default_str("90");
  command.add_flag("--dry-run", line.is_dry_run, "Say what would be done, and change nothing");
  command.add_flag("-y,--yes", line.is_confirmed, "Do not ask");
  command.add_option("--systemctl", line.systemctl)->group("");
}

CLI::App* add_action(CLI::App& kubelet, KubeletLine& line, KubeletLine::Action action, const char* name,
                     const char* description, const char* footer) {
  CLI::App* command = kubelet.add_subcommand(name, description);
  command->footer(footer);
  command->callback([&line, action] { line.action = action; });
  add_places(*command, line);
  return command;
}

}  // namespace

void add_kubelet(CLI::App& app, KubeletLine& line) {
  using Action = KubeletLine::Action;
  CLI::App* kubelet = app.add_subcommand("kubelet", kDescription);
  kubelet->require_subcommand(1);
  add_change(*add_action(*kubelet, line, Action::enable, "enable", kEnableDescription, kEnableFooter), line);
  add_change(*add_action(*kubelet, line, Action::disable, "disable", kDisableDescription, kDisableFooter), line);
  CLI::App* status = add_action(*kubelet, line, Action::status, "status", kStatusDescription, kStatusFooter);
  status->add_flag("--json", line.as_json, "JSON, alone on stdout");
}

}  // namespace shim::commands
