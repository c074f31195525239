// What is asked and done outside of files when the kubelet is pointed elsewhere: the shim, systemd, the kubelet's
// health. Each call blocks, for a bounded time.
#pragma once

#include <chrono>
#include <string>

#include "base/error.h"
#include "commands/kubelet_node.h"

namespace shim::commands {

// Makes the call that a kubelet makes at its start (ImageFsInfo), through the shim. Errors: no answer, or the runtime
// behind the shim has none.
Expected<void> ask_image_service(const std::string& socket, std::chrono::milliseconds patience);

// GET `url`: 200. Errors: anything else.
Expected<void> ask_health(const std::string& url);

// `kubelet --version`: the minor version of Kubernetes 1.x; nothing where that is not known.
std::optional<int> kubelet_version(const KubeletNode& node);

// `systemctl restart UNIT`, with what it complains of as the error.
Expected<void> restart_unit(const std::string& systemctl, const std::string& unit, std::chrono::milliseconds patience);

// Whether anybody is connected to the shim, by the kernel's list of unix sockets (below `root`): the kubelet stays so.
bool has_clients(const std::string& root, const std::string& socket);

// While it lives, SIGINT, SIGTERM and SIGHUP end no process, but what waits: a change is finished or put back.
class Interruption {
 public:
  Interruption();
  Interruption(const Interruption&) = delete;
  Interruption& operator=(const Interruption&) = delete;
  ~Interruption();

  static bool has_come();
};

}  // namespace shim::commands
