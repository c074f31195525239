#include "http/route.h"

#include <fmt/format.h>

namespace shim::http {

std::string Route::peer(const Url& url) const {
  if (!unix_socket.empty()) return unix_socket;
  std::string text = proxy ? "the proxy " : "";
  text += authority_of(addresses.empty() ? host(url) : addresses.front().to_string(), port(url));
  if (addresses.size() == 2) text += " or its other address";
  if (addresses.size() > 2) text += fmt::format(" or {} other addresses", addresses.size() - 1);
  return text;
}

// The plus makes it an entry that times out: libcurl uses it for the connection that it now makes, and each request
// brings its own. Without it an old address would stay for ever.
std::string Route::resolve_entry(const Url& url) const {
  boost::system::error_code is_name;
  boost::asio::ip::make_address(host(url), is_name);
  if (!is_name || addresses.empty()) return {};
  std::string entry = fmt::format("+{}:{}:", host(url), port(url));
  for (const auto& address : addresses) {
    if (!entry.ends_with(':')) entry += ',';
    entry += address.is_v6() ? "[" + address.to_string() + "]" : address.to_string();
  }
  return entry;
}

}  // namespace shim::http
