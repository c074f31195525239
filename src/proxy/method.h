// The `:path` of a CRI call, taken apart: `/runtime.v1.ImageService/PullImage`. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "cri/runtime.h"

namespace shim::proxy {

enum class Dialect { v1, v1alpha2 };
constexpr Dialect other(Dialect dialect) {
  return dialect == Dialect::v1 ? Dialect::v1alpha2 : Dialect::v1;
}
std::string_view name_of(Dialect dialect);  // `v1`, `v1alpha2`

struct Method {
  Dialect dialect;
  cri::Service service;
  std::string name;
};

// Nothing for paths of other packages and services, which are forwarded as they are.
std::optional<Method> parse_method(std::string_view path);
std::string path_of(Dialect dialect, cri::Service service, std::string_view method);

}  // namespace shim::proxy
