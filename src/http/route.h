// How a request gets to its peer: whom it connects to. Internal to http/.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "http/look_up.h"
#include "http/proxy.h"
#include "http/url.h"

namespace shim::http {

struct Route {
  std::optional<Proxy> proxy;
  std::string unix_socket;               // instead of all else, where not empty
  Addresses addresses;                   // of host()
  std::chrono::milliseconds time_given;  // until the whole exchange is over, the look-up included

  // Whom the connection goes to: the proxy or the URL's host.
  const std::string& host(const Url& url) const { return proxy ? proxy->host : url.host(); }
  std::uint16_t port(const Url& url) const { return proxy ? proxy->port : url.port(); }
  // For messages: `10.0.0.5:5000`, `10.0.0.5:5000 or 2 other addresses`, `the proxy 10.0.0.9:3128`.
  std::string peer(const Url& url) const;
  // libcurl's CURLOPT_RESOLVE entry for the addresses; empty where there is nothing to resolve.
  std::string resolve_entry(const Url& url) const;
};

}  // namespace shim::http
