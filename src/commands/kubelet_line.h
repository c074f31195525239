// The words of `image-cri-shim kubelet …`.
#pragma once

#include <chrono>
#include <string>

namespace CLI {
class App;
}

namespace shim::commands {

struct KubeletLine {
  enum class Action { none, enable, disable, status };
  Action action = Action::none;
  std::string config;  // `--config`, the kubelet's configuration; empty: as the kubelet that runs has it
  std::string socket;  // `--socket`, the shim's; empty: as the shim's own file has it
  std::string unit = "kubelet";
  std::chrono::seconds timeout{90};  // for the kubelet to be well again
  bool is_dry_run = false;
  bool is_confirmed = false;  // `--yes`
  bool as_json = false;
  // For tests: where `/proc` and the node's files are, and what is run to restart a unit.
  std::string root;
  std::string systemctl = "systemctl";
};

// Adds the command to `app`; `line` is filled when it is parsed, and outlives it.
void add_kubelet(CLI::App& app, KubeletLine& line);

}  // namespace shim::commands
