#include "commands/kubelet.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <csignal>
#include <nlohmann/json.hpp>
#include <string>

#include "base/log.h"
#include "commands/configuration.h"
#include "commands/kubelet_node.h"
#include "commands/kubelet_service.h"
#include "commands/kubelet_switch.h"
#include "commands/shim_client.h"

namespace shim::commands {
namespace {

using namespace std::chrono_literals;
using nlohmann::ordered_json;

constexpr int kAsWanted = 0;
constexpr int kNotSo = 1;
constexpr int kIndent = 2;
constexpr auto kPatience = 5s;

// `--socket`, else what the shim's file says, else the default: a shim that is removed is taken back all the same.
std::string shim_socket(const CommandLine& line) {
  if (!line.kubelet.socket.empty()) return without_scheme(line.kubelet.socket);
  const LoadedConfiguration loaded = load_configuration(line.file);
  return loaded.config ? loaded.config->shim : config::Config{}.shim;
}

struct KubeletStatus {
  KubeletNode node;
  std::string socket;
  bool points_at_shim = false;
  bool is_connected = false;
  Expected<void> health;
  Expected<void> answer;  // of the shim
};

KubeletStatus status_of(KubeletNode node, const KubeletLine& line, const std::string& socket) {
  KubeletStatus status{.node = std::move(node), .socket = socket, .health = {}, .answer = {}};
  status.points_at_shim = is_same_socket(status.node.image_endpoint(), socket);
  status.is_connected = has_clients(line.root, socket);
  status.answer = ask_image_service(socket, kPatience);
  if (status.node.pid == 0) {
    status.health = fail("it does not run");
  } else if (!status.node.health_url.empty()) {
    status.health = ask_health(status.node.health_url);
  }
  return status;
}

std::string to_json(const KubeletStatus& status) {
  const KubeletFile* file = status.node.decisive();
  ordered_json object = {{"imageEndpoint", status.node.image_endpoint()},
                         {"file", file == nullptr ? "" : file->path},
                         {"runtimeEndpoint", status.node.runtime_endpoint},
                         {"pid", status.node.pid},
                         {"healthy", status.health.has_value()},
                         {"shim", status.socket},
                         {"pointsAtShim", status.points_at_shim},
                         {"shimAnswers", status.answer.has_value()},
                         {"connected", status.is_connected}};
  return object.dump(kIndent) + "\n";
}

std::string to_text(const KubeletStatus& status) {
  const KubeletFile* file = status.node.decisive();
  const std::string endpoint = status.node.image_endpoint();
  std::string text =
      fmt::format("{} the kubelet's images come from {}{}\n", status.points_at_shim ? "✓" : "✗",
                  endpoint.empty() ? "the runtime" : endpoint, file == nullptr ? "" : fmt::format(" ({})", file->path));
  text += status.answer ? fmt::format("✓ {} answers\n", status.socket)
                        : fmt::format("✗ the shim: {}\n", status.answer.error().message);
  text += status.health ? fmt::format("✓ the kubelet (pid {}) is healthy\n", status.node.pid)
                        : fmt::format("✗ the kubelet: {}\n", status.health.error().message);
  if (status.points_at_shim && status.answer && !status.is_connected) {
    text += "! nobody is connected to the shim: the kubelet has not been restarted since its file was changed\n";
  }
  if (status.points_at_shim && !status.answer) text += "  `image-cri-shim kubelet disable` takes it back\n";
  return text;
}

int show_status(const KubeletLine& line, const std::string& socket) {
  auto node = find_kubelet({line.root, line.config});
  if (!node) {
    say(node.error().message);
    return kNotSo;
  }
  const KubeletStatus status = status_of(std::move(*node), line, socket);
  const bool is_written = write_answer(line.as_json ? to_json(status) : to_text(status));
  return is_written && status.points_at_shim && status.answer ? kAsWanted : kNotSo;
}

}  // namespace

int kubelet(const CommandLine& line) {
  configure_log({});  // on stderr
  spdlog::set_level(spdlog::level::err);
  std::signal(SIGPIPE, SIG_IGN);
  const std::string socket = shim_socket(line);
  switch (line.kubelet.action) {
    case KubeletLine::Action::enable:
      return KubeletSwitch(line.kubelet, socket).enable();
    case KubeletLine::Action::disable:
      return KubeletSwitch(line.kubelet, socket).disable();
    case KubeletLine::Action::status:
    case KubeletLine::Action::none:
      break;
  }
  return show_status(line.kubelet, socket);
}

}  // namespace shim::commands
