// Which proxy a request goes through, as the runtime beside us (Go) reads the environment.
#pragma once

#include <optional>
#include <string>

#include "http/url.h"

namespace shim::http {

// What libcurl is told instead of what it would find itself: an empty text (no proxy) for loopback hosts, `HTTP_PROXY`
// for http, which libcurl reads in lower case only as CGI programs get it from their peers. Nothing: libcurl's own
// reading of the environment stands. `NO_PROXY` counts in every case.
std::optional<std::string> proxy_override(const Url& url);

}  // namespace shim::http
