#include "runtimes/settings.h"

#include <charconv>

namespace shim::runtimes {

Kind kind_of(std::string_view runtime_name) {
  if (runtime_name == "containerd") return Kind::containerd;
  if (runtime_name == "cri-o") return Kind::cri_o;
  if (runtime_name == "docker") return Kind::docker;
  return Kind::other;
}

std::string_view name_of(Kind kind) {
  switch (kind) {
    case Kind::containerd:
      return "containerd";
    case Kind::cri_o:
      return "CRI-O";
    case Kind::docker:
      return "Docker";
    case Kind::other:
      break;
  }
  return "the runtime";
}

Release release_of(std::string_view version) {
  if (version.starts_with('v')) version.remove_prefix(1);
  Release release;
  const char* const begin = version.data();
  const char* const end = begin + version.size();
  const auto major = std::from_chars(begin, end, release.major);
  if (major.ec != std::errc() || major.ptr == end || *major.ptr != '.') return {};
  const auto minor = std::from_chars(major.ptr + 1, end, release.minor);
  return minor.ec == std::errc() ? release : Release{};
}

}  // namespace shim::runtimes
