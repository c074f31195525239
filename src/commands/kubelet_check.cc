#include "commands/kubelet_check.h"

#include <fmt/format.h>

#include <chrono>

#include "base/text.h"
#include "commands/kubelet_service.h"

namespace shim::commands {
namespace {

using namespace std::chrono_literals;
using Mark = Finding::Mark;

constexpr auto kPatience = 3s;
constexpr std::size_t kMostOfEndpoint = 256;

std::string said_in(const KubeletNode& node) {
  const KubeletFile* file = node.decisive();
  return file == nullptr ? std::string() : fmt::format(" ({})", file->path);
}

}  // namespace

KubeletLook look_at_kubelet(const std::string& root, const std::string& socket) {
  KubeletLook look{.node = find_kubelet({root, ""})};
  if (!look.node || !is_same_socket(look.node->image_endpoint(), socket)) return look;
  look.is_connected = has_clients(root, socket);
  look.answer = ask_image_service(socket, kPatience);
  return look;
}

Finding judge_kubelet(const KubeletLook& look, const std::string& socket) {
  Finding finding{.subject = "kubelet", .what = {}};
  if (!look.node) {
    finding.mark = Mark::warning;
    finding.what = look.node.error().message;
    return finding;
  }
  const std::string endpoint = look.node->image_endpoint();
  if (!is_same_socket(endpoint, socket)) {
    finding.mark = Mark::warning;
    finding.what = fmt::format("its images come from {}{}, past the shim at {}",
                               endpoint.empty() ? "the runtime" : printable(endpoint, kMostOfEndpoint),
                               said_in(*look.node), socket);
    finding.hint = "once the shim runs: image-cri-shim kubelet enable";
    return finding;
  }
  finding.what = fmt::format("its images come through the shim{}", said_in(*look.node));
  if (!look.answer) {
    finding.mark = Mark::bad;
    finding.what =
        fmt::format("it points at the shim{}, and gets no image: {}", said_in(*look.node), look.answer.error().message);
    finding.hint = "systemctl start image-cri-shim\nor take the shim out of its way: image-cri-shim kubelet disable";
  } else if (!look.is_connected) {
    finding.mark = Mark::warning;
    finding.what = fmt::format(
        "it points at the shim{}, and nobody is connected to that: it has not been restarted "
        "since, or does not run",
        said_in(*look.node));
    finding.hint = "systemctl restart kubelet";
  }
  return finding;
}

}  // namespace shim::commands
