#include "commands/runtime_findings.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <cerrno>

#include "http2/unix_socket.h"

namespace shim::commands {
namespace {

using Mark = Finding::Mark;

constexpr std::array kKnownSockets = {
    "/run/containerd/containerd.sock",     "/run/crio/crio.sock",      "/run/cri-dockerd.sock",
    "/run/k3s/containerd/containerd.sock", "/run/k0s/containerd.sock", "/var/snap/microk8s/common/run/containerd.sock",
};

bool is_socket(const std::string& path) {
  struct stat attributes{};
  return ::stat(path.c_str(), &attributes) == 0 && S_ISSOCK(attributes.st_mode);
}

std::string advice_for(SocketFault fault) {
  switch (fault) {
    case SocketFault::missing:
      return "there is no such socket: start the runtime (systemctl status containerd crio cri-docker), or correct "
             "`cri` in the file";
    case SocketFault::forbidden:
      return "this user may not use it: run check as root (sudo)";
    case SocketFault::no_socket:
      return "that is no socket: correct `cri` in the file";
    case SocketFault::refused:
      return "nobody listens there: the runtime has ended (systemctl status containerd crio cri-docker)";
    case SocketFault::none:
      break;
  }
  return "it takes connections and gives no answer: see what it says (journalctl -u containerd -u crio -u cri-docker)";
}

std::string_view name_of(config::CriVersion version) {
  return version == config::CriVersion::v1 ? "v1" : "v1alpha2";
}

}  // namespace

SocketFault fault_of_socket(const std::string& path) {
  boost::asio::io_context io{1};
  const auto connected = http2::connect_unix(io, path);
  if (connected || connected.error().is_busy) return SocketFault::none;
  switch (connected.error().number) {
    case ENOENT:
    case ENOTDIR:
      return SocketFault::missing;
    case EACCES:
    case EPERM:
      return SocketFault::forbidden;
    default:
      return is_socket(path) ? SocketFault::refused : SocketFault::no_socket;
  }
}

std::vector<std::string> runtime_sockets(const std::string& root) {
  std::vector<std::string> found;
  for (const char* path : kKnownSockets) {
    if (is_socket(root + path)) found.emplace_back(path);
  }
  return found;
}

Finding judge_silent_runtime(const std::string& socket, const std::string& message, SocketFault fault,
                             const std::vector<std::string>& others) {
  Finding finding{Mark::bad, "runtime " + socket, message, advice_for(fault)};
  if (fault == SocketFault::forbidden || fault == SocketFault::none) return finding;
  for (const std::string& other : others) {
    if (other != socket) finding.hint += fmt::format("\na socket of a runtime is here: cri: {}", other);
  }
  return finding;
}

std::optional<Finding> judge_version(const std::string& socket, config::CriVersion wanted, SpokenVersions spoken) {
  const bool has_it =
      wanted == config::CriVersion::automatic || (wanted == config::CriVersion::v1 ? spoken.v1 : spoken.v1alpha2);
  if (has_it || (!spoken.v1 && !spoken.v1alpha2)) return std::nullopt;
  return Finding{Mark::warning, "runtime " + socket,
                 fmt::format("it speaks CRI {} and not {}, which the file sets: `version: {}` has no effect",
                             spoken.v1 ? "v1" : "v1alpha2", name_of(wanted), name_of(wanted)),
                 "take `version` out of the file: what the runtime speaks is found out by itself"};
}

}  // namespace shim::commands
