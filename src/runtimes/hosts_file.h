// containerd's hosts.toml: where the images of one host are asked from. Pure.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "runtimes/settings.h"

namespace shim::runtimes {

// One place that images of a host are asked from.
struct Endpoint {
  bool is_secure = true;
  std::string host{};                                          // `host[:port]`
  bool tries_both = false;                                     // https first, then http
  bool can_pull = true;                                        // resolves names and gives content
  std::vector<std::string> ca{};                               // files, trusted besides the system's
  std::vector<std::pair<std::string, std::string>> clients{};  // certificate and key; an empty key: in the same file
  bool skips_verification = false;

  // `http://sealos.hub:5000`.
  std::string url() const;

  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

// The content of a hosts.toml. The last endpoint is `server`; its host is empty where the file names none. `folder` is
// the file's, for relative paths in it. Pure. Errors: why containerd would not use it.
Expected<std::vector<Endpoint>> read_hosts_file(std::string_view toml, const std::string& folder, Release release);

// The file that has a host asked at `endpoint` alone.
std::string hosts_file_of(const Endpoint& endpoint);

}  // namespace shim::runtimes
