// What the user asked for on the command line.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <variant>

#include "commands/kubelet_line.h"

namespace shim::commands {

struct CommandLine {
  enum class Command { serve, check, resolve, pull, config_show, config_reference, status, kubelet };
  Command command = Command::serve;
  std::string file;           // `-f`, `--file`; empty: the default places
  std::string admin;          // `--admin`, the socket of the running shim; empty: the one that the file names
  std::string image;          // resolve, pull: IMAGE
  std::string pod_namespace;  // resolve, pull: `--namespace`; empty: none
  std::string username;       // pull: `--creds`; empty: no credentials
  bool as_json = false;       // check, resolve, pull, config show, status: `--json`
  std::optional<std::chrono::milliseconds> watch{};  // status: `--watch`, between two answers; nothing: one answer
  KubeletLine kubelet;                               // kubelet: its own words
};

// The command, or the exit code where everything has been said already: 0 after --help, --version, `completion` and
// `man`, 2 for words that are not understood.
std::variant<CommandLine, int> parse_command_line(int argc, char** argv);

// `image-cri-shim 0.1.0`
std::string version_line();

}  // namespace shim::commands
