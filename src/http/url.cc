#include "http/url.h"

#include <fmt/format.h>

#include <boost/url/parse.hpp>
#include <boost/url/url.hpp>
#include <boost/url/url_view.hpp>

#include <algorithm>
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

}  // namespace

Expected<Url> Url::parse(std::string_view text) {
  if (text.size() > kMaxUrlBytes) return fail("URL is longer than 8 KiB");
  auto parsed = boost::urls::parse_uri(boost::core::string_view(text.data(), text.size()));
  if (!parsed) return fail("not an absolute URL");
  const boost::urls::url_view& view = *parsed;

  Url url;
  url.is_secure_ = view.scheme_id() == boost::urls::scheme::https;
  if (!url.is_secure_ && view.scheme_id() != boost::urls::scheme::http) return fail("URL is neither http nor https");
  if (view.has_userinfo()) return fail("URL has a user name or password in it");
  url.host_ = view.host_address();
  std::ranges::transform(url.host_, url.host_.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; });
  if (url.host_.empty()) return fail("URL has no host");
  // Percent-encoded they are allowed, but stand in no name, and would break lines of messages.
  if (std::ranges::any_of(url.host_, [](unsigned char c) { return c <= ' ' || c == 0x7f; })) {
    return fail("URL has a host with spaces or control characters");
  }
  const std::string_view port(view.port().data(), view.port().size());
  if (!port.empty()) {
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), url.port_);
    if (error != std::errc() || url.port_ == 0) return fail("URL has no valid port");
  }
  if (url.port_ == 0) url.port_ = url.is_secure_ ? 443 : 80;
  url.text_ = text.substr(0, text.find('#'));
  return url;
}

Expected<Url> Url::resolve(std::string_view location) const {
  if (location.size() > kMaxUrlBytes) return fail("URL is longer than 8 KiB");
  auto base = boost::urls::parse_uri(text_);
  auto reference = boost::urls::parse_uri_reference(boost::core::string_view(location.data(), location.size()));
  if (!base || !reference) return fail("not a URL");
  boost::urls::url target;
  if (auto done = boost::urls::resolve(*base, *reference, target); !done) return fail("not a URL");
  return parse(std::string_view(target.buffer().data(), target.buffer().size()));
}

std::string Url::origin() const {
  return (is_secure_ ? "https://" : "http://") + authority_of(host_, port_);
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
