#include "http/url.h"

#include <fmt/format.h>

#include <boost/url/parse.hpp>
#include <boost/url/url.hpp>
#include <boost/url/url_view.hpp>

#include <algorithm>
#include <boost/asio/ip/address_v6.hpp>
#include <charconv>
#include <system_error>

#include "http/look_up.h"

namespace shim::http {
namespace {

constexpr std::size_t kMaxUrlBytes = 8 * 1024;

bool is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

// RFC 3986's reg-name without what would have to be decoded, or mean something to libcurl.
bool is_host_character(char c) {
  return is_unreserved(c) && c != '~';
}

// What stands between `//` and the path. Boost.URL 1.81 takes `10.0.0.5.nip.io` for 10.0.0.5 and a path, where libcurl
// connects to the name.
std::string_view authority_part(std::string_view url) {
  const auto begin = url.find("//") + 2;
  return url.substr(begin, std::min(url.find_first_of("/?#", begin), url.size()) - begin);
}

}  // namespace

Expected<Url> Url::parse(std::string_view text) {
  if (text.size() > kMaxUrlBytes) return fail("URL is longer than 8 KiB");
  auto parsed = boost::urls::parse_uri(boost::core::string_view(text.data(), text.size()));
  if (!parsed || !parsed->has_authority()) return fail("not an absolute URL");
  const boost::urls::url_view& view = *parsed;

  Url url;
  url.is_secure_ = view.scheme_id() == boost::urls::scheme::https;
  if (!url.is_secure_ && view.scheme_id() != boost::urls::scheme::http) return fail("URL is neither http nor https");
  if (view.has_userinfo()) return fail("URL has a user name or password in it");
  auto authority = parse_authority(authority_part(text));
  if (!authority) return std::unexpected(authority.error());
  url.host_ = std::move(authority->host);
  url.port_ = authority->port.value_or(url.is_secure_ ? 443 : 80);
  url.text_ = text.substr(0, text.find('#'));
  return url;
}

Expected<Url> Url::resolve(std::string_view location) const {
  if (location.size() > kMaxUrlBytes) return fail("URL is longer than 8 KiB");
  auto reference = boost::urls::parse_uri_reference(boost::core::string_view(location.data(), location.size()));
  if (!reference) return fail("not a URL");
  if (reference->has_scheme()) return parse(location);
  const std::string scheme = is_secure_ ? "https:" : "http:";
  if (location.starts_with("//")) return parse(scheme + std::string(location));
  // The path alone is resolved, below a stand-in for the authority, which Boost may not read right.
  const std::string base_text = scheme + "//h" + path_and_query();
  const auto base = boost::urls::parse_uri(base_text);
  boost::urls::url target;
  if (!base || !boost::urls::resolve(*base, *reference, target)) return fail("not a URL");
  const std::string_view resolved(target.buffer().data(), target.buffer().size());
  return parse(fmt::format("{}//{}{}", scheme, authority(), resolved.substr(scheme.size() + 3)));
}

Expected<Authority> parse_authority(std::string_view text) {
  const auto bracket = text.starts_with('[') ? text.find(']') : 0;
  if (bracket == std::string_view::npos) return fail("URL has no host");
  const auto colon = std::min(text.find(':', bracket), text.size());
  Authority authority{.host = std::string(text.substr(0, colon))};
  std::ranges::transform(authority.host, authority.host.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; });
  if (bracket > 0) {
    if (colon != bracket + 1) return fail("URL has no valid host");
    authority.host = authority.host.substr(1, bracket - 1);
    boost::system::error_code error;
    boost::asio::ip::make_address_v6(authority.host, error);
    if (error) return fail("URL has no valid host");
  } else if (!std::ranges::all_of(authority.host, is_host_character)) {
    return fail("URL has a host with characters that no host name has");
  }
  if (authority.host.empty()) return fail("URL has no host");
  const std::string_view port = text.substr(std::min(colon + 1, text.size()));
  if (port.empty()) return authority;
  std::uint16_t number = 0;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  if (error != std::errc() || end != port.data() + port.size() || number == 0) return fail("URL has no valid port");
  authority.port = number;
  return authority;
}

std::string Url::origin() const {
  return (is_secure_ ? "https://" : "http://") + authority_of(host_, port_);
}

std::string_view Url::authority() const {
  return authority_part(text_);
}

std::string Url::path_and_query() const {
  const std::string_view before = authority();
  return text_.substr(static_cast<std::size_t>(before.data() + before.size() - text_.data()));
}

std::string Url::with_host(std::string_view host) const {
  return fmt::format("{}//{}{}", is_secure_ ? "https:" : "http:", authority_of(host, port_), path_and_query());
}

bool Url::is_loopback() const {
  const Addresses addresses = addresses_without_look_up(host_);
  return !addresses.empty() && addresses.front().is_loopback();
}

std::string authority_of(std::string_view host, std::uint16_t port) {
  const bool is_ipv6 = host.find(':') != std::string_view::npos;
  return fmt::format(fmt::runtime(is_ipv6 ? "[{}]:{}" : "{}:{}"), host, port);
}

std::string percent_encoded(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : text) {
    if (is_unreserved(c)) {
      encoded += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    encoded += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
  }
  return encoded;
}

}  // namespace shim::http
