// What an operator reads when libcurl gave no answer. Internal to http/.
#pragma once

#include <curl/curl.h>

#include <string_view>

#include "http/client.h"
#include "http/url.h"

namespace shim::http {

// `easy` has just ended with `code`, `text` is its error buffer.
Failure curl_failure(CURLcode code, CURL* easy, std::string_view text, const Request& request, const Url& url);

}  // namespace shim::http
