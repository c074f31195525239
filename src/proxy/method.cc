#include "proxy/method.h"

#include <fmt/format.h>

namespace shim::proxy {
namespace {

bool take_prefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

std::string_view name_of(cri::Service service) {
  return service == cri::Service::image ? "ImageService" : "RuntimeService";
}

}  // namespace

std::string_view name_of(Dialect dialect) {
  return dialect == Dialect::v1 ? "v1" : "v1alpha2";
}

std::optional<Method> parse_method(std::string_view path) {
  if (!take_prefix(path, "/runtime.")) return std::nullopt;
  Method method{};
  if (take_prefix(path, "v1.")) {
    method.dialect = Dialect::v1;
  } else if (take_prefix(path, "v1alpha2.")) {
    method.dialect = Dialect::v1alpha2;
  } else {
    return std::nullopt;
  }
  if (take_prefix(path, "ImageService/")) {
    method.service = cri::Service::image;
  } else if (take_prefix(path, "RuntimeService/")) {
    method.service = cri::Service::runtime;
  } else {
    return std::nullopt;
  }
  method.name = path;
  return method;
}

std::string path_of(Dialect dialect, cri::Service service, std::string_view method) {
  return fmt::format("/runtime.{}.{}/{}", name_of(dialect), name_of(service), method);
}

}  // namespace shim::proxy
