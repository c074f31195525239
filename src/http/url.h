// An absolute http or https URL, parsed once (RFC 3986). It has no user info: secrets do not travel in URLs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace shim::http {

class Url {
 public:
  // Errors name what is wrong, but do not repeat `text`: a URL from a peer may carry a signature or a password.
  static Expected<Url> parse(std::string_view text);
  // The URL that a `Location` of this one's answer means: absolute or relative (RFC 3986 §5).
  Expected<Url> resolve(std::string_view location) const;

  // Without a fragment.
  const std::string& text() const { return text_; }
  bool is_secure() const { return is_secure_; }
  // Lower case; an IPv6 address without its brackets.
  const std::string& host() const { return host_; }
  std::uint16_t port() const { return port_; }
  // `https://host:port`, for messages: no path and no query.
  std::string origin() const;
  // `host:port` as it was written.
  std::string_view authority() const;
  // text() with another host, at the same port.
  std::string with_host(std::string_view host) const;
  // An address of loopback, or `localhost` or what is below it (RFC 6761 §6.3).
  bool is_loopback() const;

 private:
  Url() = default;
  std::string path_and_query() const;

  std::string text_;
  std::string host_;
  std::uint16_t port_ = 0;
  bool is_secure_ = true;
};

// `host`, `host:port` or `[IPv6]:port`, from the end of a URL's `//` (and user info) to its path. The host in lower
// case and without brackets, and of letters that names have: nothing percent-encoded.
struct Authority {
  std::string host;
  std::optional<std::uint16_t> port{};
};
Expected<Authority> parse_authority(std::string_view text);

// `host:port`, with an IPv6 address in brackets.
std::string authority_of(std::string_view host, std::uint16_t port);

// `text` with everything but RFC 3986's unreserved characters percent-encoded, for the value of a query parameter.
std::string percent_encoded(std::string_view text);

}  // namespace shim::http
