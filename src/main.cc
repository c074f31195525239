// image-cri-shim: between the kubelet and the container runtime.
//
//   the command line ─▶ serve: configuration ─▶ Daemon (commands/daemon.h names its parts)
//                    ├▶ check: configuration ─▶ what takes effect, and whether runtime and registries can be used
//                    ├▶ config show: the running Daemon, else configuration ─▶ each value and where it comes from
//                    ├▶ config reference: every key and what it is for
//                    ├▶ kubelet: points this node's kubelet at the shim, and back
//                    ├▶ status: the running Daemon ─▶ what it knows of itself and its surroundings
//                    ├▶ pull: the running Daemon, as a kubelet calls it ─▶ an image on the node, and where it came from
//                    └▶ resolve: the running Daemon, else configuration ─▶ Resolver ─▶ which registry has an image
#include <variant>

#include "commands/check.h"
#include "commands/command_line.h"
#include "commands/config_reference.h"
#include "commands/config_show.h"
#include "commands/kubelet.h"
#include "commands/pull.h"
#include "commands/resolve.h"
#include "commands/serve.h"
#include "commands/status.h"

int main(int argc, char** argv) {
  using shim::commands::CommandLine;
  const auto line = shim::commands::parse_command_line(argc, argv);
  if (const int* exit_code = std::get_if<int>(&line)) return *exit_code;
  const auto& wanted = std::get<CommandLine>(line);
  switch (wanted.command) {
    case CommandLine::Command::check:
      return shim::commands::check(wanted);
    case CommandLine::Command::resolve:
      return shim::commands::resolve(wanted);
    case CommandLine::Command::pull:
      return shim::commands::pull(wanted);
    case CommandLine::Command::config_show:
      return shim::commands::config_show(wanted);
    case CommandLine::Command::config_reference:
      return shim::commands::config_reference();
    case CommandLine::Command::kubelet:
      return shim::commands::kubelet(wanted);
    case CommandLine::Command::status:
      return shim::commands::status(wanted);
    case CommandLine::Command::serve:
      break;
  }
  return shim::commands::serve(wanted);
}
