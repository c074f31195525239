// containerd's config.toml, as far as it is about registries and the sandbox image. Pure.
//
// Three spellings: version 1 (no `version`) has `[plugins.cri]`, version 2 `[plugins."io.containerd.grpc.v1.cri"]`,
// and version 3 (containerd 2, which takes the older two as well) `[plugins."io.containerd.cri.v1.images"]`.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "runtimes/settings.h"

namespace shim::runtimes {

struct ContainerdConfig {
  int version = 1;
  std::vector<std::string> imports;  // as written: globs, relative to the file's folder
  std::optional<std::string> sandbox_image{};
  RegistrySettings registries{};
  bool pulls_itself = false;  // what keeps containerd 2.1 and later from its transfer service is set
};

// Errors: line and reason.
Expected<ContainerdConfig> read_containerd_config(std::string_view toml);
// With what a file says that is imported, which comes before what is there.
void import_into(ContainerdConfig& config, const ContainerdConfig& imported);

// The lines that set `config_path` and the sandbox image in a file of this version (0: there is no file).
std::string config_path_lines(int version, Release release, std::string_view folder);
std::string sandbox_image_lines(int version, Release release, std::string_view image);
// Of the old style: a mirror of a host with one endpoint, and its TLS.
std::string mirror_lines(int version, std::string_view host, std::string_view endpoint, const HostTls& tls);

}  // namespace shim::runtimes
