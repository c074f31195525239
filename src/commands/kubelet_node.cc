#include "commands/kubelet_node.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/atomic_file.h"
#include "base/text.h"
#include "commands/kubelet_configuration.h"
#include "commands/kubelet_flags.h"

namespace shim::commands {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostBytes = 1024 * 1024;
constexpr const char* kUsualConfiguration = "/var/lib/kubelet/config.yaml";
constexpr const char* kFlag = "image-service-endpoint";
constexpr int kHealthPort = 10248;

// Read by kubeadm's unit in this order (10-kubeadm.conf), so that the last one wins.
struct VariablesFile {
  const char* path;
  const char* variable;
};
constexpr std::array kVariablesFiles = {
    VariablesFile{"/var/lib/kubelet/kubeadm-flags.env", "KUBELET_KUBEADM_ARGS"},
    VariablesFile{"/etc/default/kubelet", "KUBELET_EXTRA_ARGS"},
    VariablesFile{"/etc/sysconfig/kubelet", "KUBELET_EXTRA_ARGS"},
};

// Distributions that make the kubelet's command line themselves, at each start.
struct Distribution {
  std::string_view mark;  // in the path or name of the process
  const char* advice;
};
constexpr std::array kDistributions = {
    Distribution{"rke2",
                 "write `kubelet-arg: [\"image-service-endpoint=unix://{0}\"]` to /etc/rancher/rke2/config.yaml "
                 "and run `systemctl restart rke2-server` (rke2-agent on workers)"},
    Distribution{"k3s",
                 "write `kubelet-arg: [\"image-service-endpoint=unix://{0}\"]` to /etc/rancher/k3s/config.yaml "
                 "and run `systemctl restart k3s` (k3s-agent on workers)"},
    Distribution{"k0s", "start k0s with `--kubelet-extra-args=--image-service-endpoint=unix://{0}`"},
    Distribution{"kubelite",
                 "add --image-service-endpoint=unix://{0} to /var/snap/microk8s/current/args/kubelet and run "
                 "`snap restart microk8s.daemon-kubelite`"},
};
constexpr const char* kUsualSocket = "/var/run/image-cri-shim.sock";

struct Process {
  int pid = 0;
  std::string name;
  std::string program;
  std::vector<std::string> arguments;
};

std::string link_of(const fs::path& path) {
  std::error_code error;
  return fs::read_symlink(path, error).string();
}

std::vector<std::string> split_at_zeros(std::string_view text) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\0'), text.size());
    parts.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

// Of this node: not those in containers of their own, such as kind's nodes.
std::vector<Process> processes_of(const std::string& root) {
  std::vector<Process> found;
  const std::string own_mounts = link_of(root + "/proc/self/ns/mnt");
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(root + "/proc", error)) {
    const std::string number = entry.path().filename();
    Process process;
    if (std::from_chars(number.data(), number.data() + number.size(), process.pid).ec != std::errc()) continue;
    const auto name = read_file(entry.path() / "comm", kMostBytes);
    const auto arguments = read_file(entry.path() / "cmdline", kMostBytes);
    if (!name || !arguments || link_of(entry.path() / "ns/mnt") != own_mounts) continue;
    process.name = name->substr(0, name->find('\n'));
    process.program = link_of(entry.path() / "exe");
    process.arguments = split_at_zeros(*arguments);
    found.push_back(std::move(process));
  }
  return found;
}

Expected<void> check_distribution(const std::vector<Process>& processes, const std::vector<Process>& kubelets) {
  for (const auto& [mark, advice] : kDistributions) {
    const bool is_kubelets = std::ranges::any_of(
        kubelets, [mark](const Process& process) { return process.program.find(mark) != std::string::npos; });
    const bool is_embedded = kubelets.empty() && std::ranges::any_of(processes, [mark](const Process& process) {
                               return process.name == mark || process.name.starts_with(std::string(mark) + "-");
                             });
    if (!is_kubelets && !is_embedded) continue;
    return fail(fmt::format("this node's kubelet is started by {}, which makes its settings anew at each start: {}",
                            mark, fmt::format(fmt::runtime(advice), kUsualSocket)));
  }
  return {};
}

// Nothing where none runs.
Expected<std::optional<Process>> find_process(const std::string& root) {
  std::vector<Process> processes = processes_of(root);
  std::vector<Process> kubelets;
  std::ranges::copy_if(processes, std::back_inserter(kubelets),
                       [](const Process& process) { return process.name == "kubelet" && !process.arguments.empty(); });
  if (auto checked = check_distribution(processes, kubelets); !checked) return std::unexpected(checked.error());
  if (kubelets.empty()) return std::nullopt;
  if (kubelets.size() > 1) {
    return fail(fmt::format("{} kubelets run here (pid {}, pid {} …): stop the ones that are not this node's",
                            kubelets.size(), kubelets[0].pid, kubelets[1].pid));
  }
  return std::move(kubelets.front());
}

class Search {
 public:
  explicit Search(const KubeletPlaces& places) : places_(places) {}

  Expected<KubeletNode> run() {
    auto process = find_process(places_.root);
    if (!process) return std::unexpected(process.error());
    if (*process) {
      node_.pid = (*process)->pid;
      node_.program = (*process)->program;
      node_.arguments = (*process)->arguments;
    }
    if (auto read = read_configurations(); !read) return std::unexpected(read.error());
    for (const auto& [path, variable] : kVariablesFiles) read_variables(path, variable);
    if (const auto flag = flag_value(node_.arguments, "container-runtime-endpoint")) settings_.runtime_endpoint = *flag;
    node_.runtime_endpoint = settings_.runtime_endpoint;
    node_.health_url = health_url();
    if (auto checked = check_origin(); !checked) return std::unexpected(checked.error());
    return std::move(node_);
  }

 private:
  std::string configuration() const {
    if (!places_.config.empty()) return places_.config;
    return flag_value(node_.arguments, "config").value_or(node_.pid == 0 ? kUsualConfiguration : "");
  }

  Expected<void> read_configurations() {
    const std::string path = configuration();
    if (!path.empty()) {
      if (auto read = read_configuration(path); !read) return read;
    }
    const auto folder = flag_value(node_.arguments, "config-dir");
    if (!folder) return {};
    std::vector<std::string> drop_ins;  // in the kubelet's order: sorted, all levels
    std::error_code error;
    for (const auto& entry : fs::recursive_directory_iterator(places_.root + *folder, error)) {
      if (entry.path().extension() == ".conf") drop_ins.push_back(entry.path().string().substr(places_.root.size()));
    }
    std::ranges::sort(drop_ins);
    for (const std::string& drop_in : drop_ins) {
      if (auto read = read_configuration(drop_in); !read) return read;
    }
    return {};
  }

  Expected<void> read_configuration(const std::string& path) {
    auto text = read_file(places_.root + path, kMostBytes);
    if (!text) {
      const char* hint = node_.pid == 0 ? " (no kubelet runs here; has this node joined a cluster?)" : "";
      return fail(fmt::format("the kubelet's configuration: {}{}", text.error().message, hint));
    }
    const auto settings = read_kubelet_settings(*text);
    if (!settings) return fail(fmt::format("{}: {}", path, settings.error().message));
    if (!settings->runtime_endpoint.empty()) settings_.runtime_endpoint = settings->runtime_endpoint;
    if (settings->healthz_port) settings_.healthz_port = settings->healthz_port;
    if (!settings->healthz_address.empty()) settings_.healthz_address = settings->healthz_address;
    node_.files.push_back({.form = KubeletFile::Form::configuration,
                           .path = places_.root + path,
                           .variable = {},
                           .text = std::move(*text),
                           .endpoint = settings->image_endpoint});
    return {};
  }

  void read_variables(const std::string& path, const char* variable) {
    auto text = read_file(places_.root + path, kMostBytes);
    if (!text) return;
    KubeletFile file{.form = KubeletFile::Form::variables,
                     .path = places_.root + path,
                     .variable = variable,
                     .text = std::move(*text),
                     .endpoint = {}};
    file.endpoint = endpoint_in(file, file.text);
    node_.files.push_back(std::move(file));
  }

  std::string health_url() const {
    int port = settings_.healthz_port.value_or(kHealthPort);
    if (const auto flag = flag_value(node_.arguments, "healthz-port")) {
      std::from_chars(flag->data(), flag->data() + flag->size(), port);
    }
    std::string address = flag_value(node_.arguments, "healthz-bind-address").value_or(settings_.healthz_address);
    if (address.empty() || address == "0.0.0.0") address = "127.0.0.1";
    if (address == "::") address = "::1";
    if (address.find(':') != std::string::npos) address = fmt::format("[{}]", address);
    return port == 0 ? "" : fmt::format("http://{}:{}/healthz", address, port);
  }

  // A flag wins over the files, wherever it comes from.
  Expected<void> check_origin() const {
    const auto flag = flag_value(node_.arguments, kFlag);
    const bool is_known = !flag || std::ranges::any_of(node_.files, [&](const KubeletFile& file) {
      return file.form == KubeletFile::Form::variables && !file.endpoint.empty();
    });
    // One that was taken out of its file, and whose kubelet was not restarted yet, is there as well.
    if (is_known || has_been_edited()) return {};
    return fail(
        fmt::format("the kubelet (pid {}) is started with --{}={}, which is in none of the files known here: "
                    "change it where its unit has it (`systemctl cat kubelet`)",
                    node_.pid, kFlag, printable(*flag, 256)));
  }

  bool has_been_edited() const {
    return std::ranges::any_of(node_.files, [](const KubeletFile& file) {
      return file.form == KubeletFile::Form::variables && has_backup(file.path);
    });
  }

  const KubeletPlaces& places_;
  KubeletNode node_;
  KubeletSettings settings_;
};

}  // namespace

const KubeletFile* KubeletNode::decisive() const {
  const auto found = std::ranges::find_if(files.rbegin(), files.rend(),
                                          [](const KubeletFile& file) { return !file.endpoint.empty(); });
  return found == files.rend() ? nullptr : &*found;
}

std::string KubeletNode::image_endpoint() const {
  const KubeletFile* file = decisive();
  return file == nullptr ? runtime_endpoint : file->endpoint;
}

Expected<KubeletNode> find_kubelet(const KubeletPlaces& places) {
  return Search(places).run();
}

const KubeletFile* file_to_edit(const KubeletNode& node, std::optional<int> minor) {
  if (const KubeletFile* decisive = node.decisive()) return decisive;
  const auto wanted =
      minor && *minor < kFirstMinorWithEndpoint ? KubeletFile::Form::variables : KubeletFile::Form::configuration;
  const auto found = std::ranges::find(node.files, wanted, &KubeletFile::form);
  if (found != node.files.end()) return &*found;
  // A kubelet without a configuration file takes the flag, whatever its version.
  const auto other = std::ranges::find(node.files, KubeletFile::Form::variables, &KubeletFile::form);
  return other == node.files.end() ? nullptr : &*other;
}

Expected<std::string> with_endpoint(const KubeletFile& file, std::string_view text, const std::string& endpoint) {
  auto edited = file.form == KubeletFile::Form::configuration ? with_image_endpoint(text, endpoint)
                                                              : with_flag(text, file.variable, kFlag, endpoint);
  if (!edited) return fail(fmt::format("{}: {}", file.path, edited.error().message));
  return edited;
}

std::string endpoint_in(const KubeletFile& file, std::string_view text) {
  if (file.form == KubeletFile::Form::configuration) {
    const auto settings = read_kubelet_settings(text);
    return settings ? settings->image_endpoint : "";
  }
  const auto flags = flags_in(text, file.variable);
  return flags ? flag_value(*flags, kFlag).value_or("") : "";
}

std::string backup_of(const std::string& path) {
  return path + ".before-image-cri-shim";
}

bool has_backup(const std::string& path) {
  struct stat attributes{};
  return ::stat(backup_of(path).c_str(), &attributes) == 0;
}

bool is_same_socket(std::string_view left, std::string_view right) {
  const auto plain = [](std::string_view socket) {
    if (socket.starts_with("unix://")) socket.remove_prefix(std::string_view("unix://").size());
    if (socket.starts_with("/var/run/")) socket.remove_prefix(std::string_view("/var").size());
    return socket;
  };
  return !left.empty() && plain(left) == plain(right);
}

}  // namespace shim::commands
