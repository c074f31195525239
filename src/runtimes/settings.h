// What a container runtime is told of registries and of its sandbox image in files of its own, as far as it can be
// seen: the shim chooses the name that the runtime pulls, but the runtime decides how it speaks to the registry in it.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace shim::runtimes {

enum class Kind { containerd, cri_o, docker, other };
// Of the name in a VersionResponse: `containerd`, `cri-o`, `docker`.
Kind kind_of(std::string_view runtime_name);
// For sentences: `containerd`, `CRI-O`, `Docker`, `the runtime`.
std::string_view name_of(Kind kind);

// `1.6.20~ds1`, `v2.1.4`; zeros where it is not understood.
struct Release {
  int major = 0;
  int minor = 0;

  friend auto operator<=>(const Release&, const Release&) = default;
};
Release release_of(std::string_view version);

// containerd's `registry.configs."HOST".tls`; file paths.
struct HostTls {
  std::string ca{};
  std::string cert{};
  std::string key{};
  bool skip_verify = false;

  friend bool operator==(const HostTls&, const HostTls&) = default;
};

// containerd's `registry`.
struct RegistrySettings {
  std::string config_path{};                                  // folders with a folder for each host, split by `:`
  std::map<std::string, std::vector<std::string>> mirrors{};  // the endpoints of `registry.mirrors."HOST"`
  std::map<std::string, HostTls> tls{};                       // by host

  friend bool operator==(const RegistrySettings&, const RegistrySettings&) = default;
};

struct RuntimeSettings {
  Kind kind = Kind::other;
  Release release{};
  std::string file{};        // its own configuration file; empty where it is not known
  int file_version = 0;      // containerd's `version = 2`; 0: there is no file, or it cannot be read
  std::string problem{};     // why the file could not be read
  bool pulls_itself = true;  // false: containerd's transfer service pulls, which knows no mirrors and one folder
  std::optional<std::string> sandbox_image{};    // nothing where it is not known
  std::optional<RegistrySettings> registries{};  // nothing where they are not known
};

}  // namespace shim::runtimes
