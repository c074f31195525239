#include "registry/platform.h"

#include <sys/utsname.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace shim::registry {
namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 12> kArchitectures{{
    {"x86_64", "amd64"},
    {"aarch64", "arm64"},
    {"i386", "386"},
    {"i486", "386"},
    {"i586", "386"},
    {"i686", "386"},
    {"ppc64le", "ppc64le"},
    {"s390x", "s390x"},
    {"riscv64", "riscv64"},
    {"loongarch64", "loong64"},
    {"mips64", "mips64le"},
    {"mips", "mipsle"},
}};

}  // namespace

std::string Platform::text() const {
  return os + "/" + architecture + (variant.empty() ? "" : "/" + variant);
}

Platform platform_of_machine(const std::string& machine) {
  constexpr std::string_view kArm = "armv";  // armv7l
  if (machine.starts_with(kArm) && machine.size() > kArm.size()) {
    const char version = std::min(machine[kArm.size()], '7');  // 32-bit on a v8 processor is v7 to images
    return {.os = "linux", .architecture = "arm", .variant = std::string("v") + version};
  }
  for (const auto& [name, architecture] : kArchitectures) {
    if (machine == name) return {.os = "linux", .architecture = std::string(architecture)};
  }
  return {.os = "linux", .architecture = machine};
}

Platform node_platform() {
  utsname names{};
  uname(&names);
  return platform_of_machine(names.machine);
}

bool can_run(const Platform& node, const Platform& image) {
  if (node.os != image.os || node.architecture != image.architecture) return false;
  if (image.variant.empty()) return true;
  if (node.architecture == "arm") return node.variant.empty() || image.variant <= node.variant;
  if (node.architecture == "amd64") return image.variant == "v1";  // v2 to v4 need what not every processor has
  return true;
}

}  // namespace shim::registry
