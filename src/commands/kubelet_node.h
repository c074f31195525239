// This node's kubelet: its process, its files, and which of them says where its images come from. Reads; changes
// nothing.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace shim::commands {

// A file that may name the kubelet's image endpoint.
struct KubeletFile {
  enum class Form { configuration, variables };
  Form form = Form::configuration;
  std::string path;
  std::string variable;  // of Form::variables: the one with the kubelet's flags
  std::string text;
  std::string endpoint;  // what it names; empty: none
};

struct KubeletNode {
  int pid = 0;                         // 0: none runs
  std::vector<std::string> arguments;  // its command line
  std::string program;                 // its executable; empty: unknown
  std::vector<KubeletFile> files;      // the weakest first: a later one wins
  std::string runtime_endpoint;        // empty: unknown
  std::string health_url;              // empty: it has no such endpoint

  // The file that decides; null where none names an endpoint.
  const KubeletFile* decisive() const;
  // What its images come from; that of the runtime where nothing else is set. Empty: unknown.
  std::string image_endpoint() const;
};

struct KubeletPlaces {
  std::string root;    // before every path, for tests
  std::string config;  // instead of the kubelet's own `--config`
};

// Errors: several kubelets run; it is one of k3s, RKE2 and the like, whose files are not to be edited (the message says
// what to do there); no configuration is found, or it cannot be read.
Expected<KubeletNode> find_kubelet(const KubeletPlaces& places);

// Before 1.27 KubeletConfiguration has no image endpoint, and the flag is needed.
inline constexpr int kFirstMinorWithEndpoint = 27;

// The file to be edited so that `decisive()` names an endpoint of ours. Null: no file of this node takes it.
// `minor` is that of Kubernetes 1.x; nothing: unknown, taken for a recent one.
const KubeletFile* file_to_edit(const KubeletNode& node, std::optional<int> minor);

// The text of `file` with its endpoint set to `endpoint`; empty: none.
Expected<std::string> with_endpoint(const KubeletFile& file, std::string_view text, const std::string& endpoint);

// What `text`, in the place of the file's, names; empty: none.
std::string endpoint_in(const KubeletFile& file, std::string_view text);

// `FILE.before-image-cri-shim`: the file as it was before `enable`. It goes when `disable` is done, so that one
// that is there tells of a change whose kubelet was not restarted yet.
std::string backup_of(const std::string& path);
bool has_backup(const std::string& path);

// One socket, however it is written: `unix:///var/run/x`, `/run/x`.
bool is_same_socket(std::string_view left, std::string_view right);

}  // namespace shim::commands
