// Which proxy a request goes through, decided as the runtime beside us does (Go's golang.org/x/net/http/httpproxy), so
// that both reach a registry the same way or not at all.
//
// `HTTPS_PROXY` is for https, `HTTP_PROXY` for http, `ALL_PROXY` (which Go does not have) for both where theirs is
// missing; upper case wins over lower case. `NO_PROXY` lists, separated by commas or spaces: `*`; addresses and CIDRs;
// `domain` (with what is below it), `.domain` or `*.domain` (only what is below it); any with `:port`. Loopback is
// never proxied.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/secret.h"
#include "http/url.h"

namespace shim::http {

// The variables' values; URLs of proxies may hold passwords.
struct ProxyEnvironment {
  Secret http;
  Secret https;
  Secret all;
  std::string none;  // NO_PROXY

  // `HTTP_PROXY` in upper case does not count where `REQUEST_METHOD` is set: CGI programs get it from their peers.
  static ProxyEnvironment of_process();
};

struct Proxy {
  // `http`, `https`, `socks5h` or `socks4a`. The latter two are used for `socks5` and `socks4` as well: the proxy, not
  // we, looks the target's name up, as in Go.
  std::string scheme;
  std::string host;  // lower case; an IPv6 address without its brackets
  std::uint16_t port = 0;
  std::optional<Secret> user{};
  std::optional<Secret> password{};

  // `http://host:port`: without the credentials, for libcurl and for messages.
  std::string origin() const;
};

// Nothing: straight to the URL's host. Pure. An error names the variable and not its value.
Expected<std::optional<Proxy>> proxy_for(const ProxyEnvironment& environment, const Url& url);

// The URL of a proxy, `http://` where it has no scheme; nothing where it is none.
std::optional<Proxy> parse_proxy(std::string_view text);

// Whether a NO_PROXY list names the URL's host.
bool is_excepted(std::string_view no_proxy, const Url& url);

}  // namespace shim::http
