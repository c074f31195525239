#include "http/url.h"

#include <boost/url/parse.hpp>
#include <boost/url/url.hpp>
#include <boost/url/url_view.hpp>

#include <algorithm>
#include <charconv>
#include <system_error>

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
  const bool is_ipv6 = host_.find(':') != std::string::npos;
  return (is_secure_ ? "https://" : "http://") + (is_ipv6 ? "[" + host_ + "]" : host_) + ":" + std::to_string(port_);
}

bool Url::is_loopback() const {
  return host_ == "localhost" || host_ == "::1" || host_.starts_with("127.");
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
