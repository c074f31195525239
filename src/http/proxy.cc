#include "http/proxy.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/network_v4.hpp>
#include <boost/asio/ip/network_v6.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <charconv>
#include <cstdlib>
#include <initializer_list>

namespace shim::http {
namespace {

namespace ip = boost::asio::ip;

constexpr std::string_view kSeparators = ", \t\r\n";

struct Scheme {
  std::string_view name;
  std::string_view used;
  std::uint16_t port;
};
constexpr std::array<Scheme, 6> kSchemes{{{"http", "http", 80},
                                          {"https", "https", 443},
                                          {"socks5", "socks5h", 1080},
                                          {"socks5h", "socks5h", 1080},
                                          {"socks4", "socks4a", 1080},
                                          {"socks4a", "socks4a", 1080}}};

// The first that is set and not empty.
const char* variable(std::initializer_list<const char*> names) {
  for (const char* name : names) {
    if (const char* value = std::getenv(name); value && *value) return value;
  }
  return "";
}

std::string lower_case(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; });
  return lower;
}

std::optional<ip::address> address_of(const std::string& text) {
  boost::system::error_code error;
  auto address = ip::make_address(text, error);
  if (error) return std::nullopt;
  if (address.is_v6() && address.to_v6().is_v4_mapped()) return ip::make_address_v4(ip::v4_mapped, address.to_v6());
  return address;
}

// `text` without its `:port`; brackets around an IPv6 address go with it.
struct HostAndPort {
  std::string host;
  std::string port;
};
HostAndPort split(const std::string& text) {
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == std::string::npos) return {text, ""};
    return {text.substr(1, end - 1), text.substr(end + 1).starts_with(':') ? text.substr(end + 2) : ""};
  }
  const auto colon = text.find(':');
  if (colon == std::string::npos || text.find(':', colon + 1) != std::string::npos) return {text, ""};
  return {text.substr(0, colon), text.substr(colon + 1)};
}

std::optional<bool> in_network(const std::string& entry, const std::optional<ip::address>& address) {
  if (entry.find('/') == std::string::npos) return std::nullopt;
  boost::system::error_code error;
  const auto v4 = ip::make_network_v4(entry, error);
  if (!error)
    return address && address->is_v4() &&
           v4.canonical() == ip::network_v4(address->to_v4(), v4.prefix_length()).canonical();
  const auto v6 = ip::make_network_v6(entry, error);
  if (error) return std::nullopt;
  return address && address->is_v6() &&
         v6.canonical() == ip::network_v6(address->to_v6(), v6.prefix_length()).canonical();
}

bool is_domain_of(std::string_view domain, std::string_view host) {
  if (domain.starts_with("*.")) domain.remove_prefix(1);
  if (domain.starts_with('.')) return host.ends_with(domain);
  return host == domain ||
         (host.size() > domain.size() && host.ends_with(domain) && host[host.size() - domain.size() - 1] == '.');
}

bool matches(const std::string& entry, const Url& url, const std::optional<ip::address>& address) {
  if (entry == "*") return true;
  if (const auto result = in_network(entry, address)) return *result;
  const auto [host, port] = split(entry);
  if (host.empty() || (!port.empty() && port != std::to_string(url.port()))) return false;
  if (const auto excepted = address_of(host)) return address == excepted;
  return !address && is_domain_of(host, url.host());
}

}  // namespace

ProxyEnvironment ProxyEnvironment::of_process() {
  const bool is_cgi = std::getenv("REQUEST_METHOD") != nullptr;
  return {.http = Secret(is_cgi ? variable({"http_proxy"}) : variable({"HTTP_PROXY", "http_proxy"})),
          .https = Secret(variable({"HTTPS_PROXY", "https_proxy"})),
          .all = Secret(variable({"ALL_PROXY", "all_proxy"})),
          .none = variable({"NO_PROXY", "no_proxy"})};
}

std::string Proxy::origin() const {
  return scheme + "://" + authority_of(host, port);
}

Expected<std::optional<Proxy>> proxy_for(const ProxyEnvironment& environment, const Url& url) {
  const Secret& own = url.is_secure() ? environment.https : environment.http;
  const Secret& chosen = own.empty() ? environment.all : own;
  if (chosen.empty() || url.is_loopback() || is_excepted(environment.none, url)) return std::nullopt;
  auto proxy = parse_proxy(chosen.reveal());
  if (!proxy) {
    const std::string_view name = own.empty() ? "ALL_PROXY" : url.is_secure() ? "HTTPS_PROXY" : "HTTP_PROXY";
    return fail(fmt::format("{} in the environment is not the URL of a proxy (http://host:port)", name));
  }
  return proxy;
}

std::optional<Proxy> parse_proxy(std::string_view text) {
  std::string with_scheme = (text.find("://") == std::string_view::npos ? "http://" : "") + std::string(text);
  const Secret kept(std::string{with_scheme});
  explicit_bzero(with_scheme.data(), with_scheme.size());
  const auto parsed = boost::urls::parse_uri({kept.reveal().data(), kept.reveal().size()});
  if (!parsed) return std::nullopt;
  const boost::urls::url_view& view = *parsed;
  const auto scheme =
      std::ranges::find(kSchemes, lower_case({view.scheme().data(), view.scheme().size()}), &Scheme::name);
  if (scheme == kSchemes.end()) return std::nullopt;
  std::string_view rest = kept.reveal().substr(kept.reveal().find("//") + 2);
  rest = rest.substr(0, rest.find_first_of("/?#"));
  if (view.has_userinfo()) rest = rest.substr(rest.rfind('@') + 1);
  auto authority = parse_authority(rest);
  if (!authority) return std::nullopt;
  Proxy proxy{.scheme = std::string(scheme->used),
              .host = std::move(authority->host),
              .port = authority->port.value_or(scheme->port)};
  if (view.has_userinfo()) {
    proxy.user = Secret(std::string(view.user()));
    proxy.password = Secret(std::string(view.password()));
  }
  return proxy;
}

bool is_excepted(std::string_view no_proxy, const Url& url) {
  const auto address = address_of(url.host());
  for (;;) {
    const auto begin = no_proxy.find_first_not_of(kSeparators);
    if (begin == std::string_view::npos) return false;
    no_proxy.remove_prefix(begin);
    const auto end = std::min(no_proxy.find_first_of(kSeparators), no_proxy.size());
    if (matches(lower_case(no_proxy.substr(0, end)), url, address)) return true;
    no_proxy.remove_prefix(end);
  }
}

}  // namespace shim::http
