// The platform of this node, and which images run on it.
#pragma once

#include <string>

namespace shim::registry {

// As in an image index: `linux`, `arm64`, `v8`.
struct Platform {
  std::string os;
  std::string architecture;
  std::string variant{};  // empty: none

  // `linux/arm/v7`
  std::string text() const;
  friend bool operator==(const Platform&, const Platform&) = default;
};

// Linux on the machine that the kernel reports, by Go's name for it.
Platform node_platform();
// Go's name (GOARCH) for the machine of uname(2): `x86_64` is amd64, `armv7l` arm with variant v7.
Platform platform_of_machine(const std::string& machine);

// The same operating system and architecture; an arm node runs its own variant and the older ones.
bool can_run(const Platform& node, const Platform& image);

}  // namespace shim::registry
