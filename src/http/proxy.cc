#include "http/proxy.h"

#include <cstdlib>

namespace shim::http {

std::optional<std::string> proxy_override(const Url& url) {
  if (url.is_loopback()) return "";
  if (url.is_secure() || std::getenv("http_proxy") || std::getenv("REQUEST_METHOD")) return std::nullopt;
  if (const char* proxy = std::getenv("HTTP_PROXY")) return proxy;
  return std::nullopt;
}

}  // namespace shim::http
