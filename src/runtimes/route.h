// Where containerd goes for the images of a host, and how it speaks there: its `certs.d/HOST/hosts.toml`, its older
// `registry.mirrors`, or its defaults.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "runtimes/hosts_file.h"
#include "runtimes/settings.h"

namespace shim::runtimes {

struct Route {
  std::string source{};               // the file that says so; empty: the runtime's settings or its defaults
  std::string folder{};               // the host's own one below `config_path`, where there is one
  std::vector<Endpoint> endpoints{};  // in the order in which they are asked
  std::string problem{};              // a file that cannot be used, and why; then `endpoints` is what follows from it
};

// `folder` and what containerd looks for in it, in its order: `host_port_`, `host:port`, `_default`. Pure.
std::vector<std::string> host_folders(const std::string& folder, const std::string& host);
// The folders of `config_path`. Pure.
std::vector<std::string> config_folders(const RuntimeSettings& settings);

// Of containerd. Reads files below `config_path`, bounded. `host` as it stands in image names.
// REQUIRES: settings.registries.
Route find_route(const RuntimeSettings& settings, const std::string& host);

// Whether two `host[:port]` are one place, the default port written or not. Pure.
bool is_same_host(std::string_view left, std::string_view right, bool is_secure);

}  // namespace shim::runtimes
