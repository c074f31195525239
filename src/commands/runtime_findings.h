// What `check` says of the runtime's socket and of the CRI version that the file wants. Decided without asking.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "commands/finding.h"
#include "config/config.h"

namespace shim::commands {

// Why nobody can be asked at a path.
enum class SocketFault { none, missing, forbidden, no_socket, refused };
// Connects, and leaves again.
SocketFault fault_of_socket(const std::string& path);
// The sockets of known runtimes that are on this node, below `root`.
std::vector<std::string> runtime_sockets(const std::string& root = "");

// Of a runtime that did not answer; `message` is what was said.
Finding judge_silent_runtime(const std::string& socket, const std::string& message, SocketFault fault,
                             const std::vector<std::string>& others);

// Which versions of CRI the runtime speaks.
struct SpokenVersions {
  bool v1 = false;
  bool v1alpha2 = false;
};
// Nothing where it is as the file has it.
std::optional<Finding> judge_version(const std::string& socket, config::CriVersion wanted, SpokenVersions spoken);

}  // namespace shim::commands
