// What an operator reads when libcurl gave no answer. Internal to http/.
#pragma once

#include <curl/curl.h>

#include <string_view>

#include "http/client.h"
#include "http/route.h"
#include "http/url.h"

namespace shim::http {

// One exchange that has just ended without an answer.
struct CurlEnd {
  CURLcode code;
  CURL* easy;
  std::string_view text;  // its error buffer
  bool began_tls;         // so it was connected
  bool has_head;          // of its answer
  bool fell_silent;       // for the request's `idle_timeout`
};

Failure curl_failure(const CurlEnd& end, const Request& request, const Url& url, const Route& route);

}  // namespace shim::http
