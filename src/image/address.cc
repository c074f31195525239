#include "image/address.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "base/text.h"
#include "image/grammar.h"

namespace shim::image {
namespace {

constexpr std::string_view kHubApi = "registry-1.docker.io";
constexpr std::string_view kHubDomain = "index.docker.io";

std::unexpected<Error> invalid(std::string_view text, std::string_view rule) {
  return fail(fmt::format("invalid registry address {}: {}", in_quotes(text), rule));
}

// The host without `:port` and without brackets.
std::string_view without_port(std::string_view host) {
  if (host.starts_with('[')) return host.substr(1, host.find(']') - 1);
  return host.substr(0, host.find(':'));
}

// `:port` with its colon, or empty.
std::string_view port_of(std::string_view host) {
  const std::size_t colon = host.find(':', host.starts_with('[') ? host.find(']') : 0);
  return colon == host.npos ? std::string_view() : host.substr(colon);
}

bool is_valid_port(std::string_view digits) {
  unsigned port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  return error == std::errc() && end == digits.data() + digits.size() && port >= 1 && port <= 65535;
}

bool is_loopback_host(std::string_view host) {
  const std::string_view name = without_port(host);
  if (name == "localhost" || name == "::1") return true;
  const bool is_ipv4 = std::ranges::count(name, '.') == 3 && name.find_first_not_of("0123456789.") == name.npos;
  return is_ipv4 && name.starts_with("127.");
}

enum class Scheme { none, http, https, unknown };

// Takes `scheme://` off the front.
Scheme take_scheme(std::string_view& text) {
  const std::size_t end = text.find("://");
  if (end == text.npos) return Scheme::none;
  std::string scheme(text.substr(0, end));
  std::ranges::transform(scheme, scheme.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c; });
  text.remove_prefix(end + 3);
  return scheme == "https" ? Scheme::https : scheme == "http" ? Scheme::http : Scheme::unknown;
}

}  // namespace

Expected<Address> Address::parse(std::string_view text) {
  if (text.empty()) return invalid(text, "it is empty");
  // Not shown: what stands before the @ may be a password.
  if (text.find('@') != text.npos) {
    return fail("invalid registry address: it must not hold a user name or password (\"@\"); `auth` is for them");
  }
  if (text.find_first_of("?#") != text.npos) return invalid(text, "it must not hold a query or a fragment");
  std::string_view rest = text;
  const Scheme scheme = take_scheme(rest);
  if (scheme == Scheme::unknown) return invalid(text, "the scheme must be http or https");
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  const std::string_view host = rest.substr(0, slash);
  std::string_view prefix = rest.substr(slash);
  while (prefix.starts_with('/')) prefix.remove_prefix(1);
  while (prefix.ends_with('/')) prefix.remove_suffix(1);

  if (auto checked = check_host(host); !checked) return invalid(text, checked.error().message);
  if (const auto port = port_of(host); !port.empty() && !is_valid_port(port.substr(1))) {
    return invalid(text, "the port must be 1 to 65535");
  }
  Address address;
  address.text_ = text;
  address.host_ = normal_host(host);
  address.is_secure_ = scheme == Scheme::https || (scheme == Scheme::none && !is_loopback_host(address.host_));
  // In an image name `registry/app` would be a path on Docker Hub; `registry:443/app` is what is meant.
  if (!is_host_component(address.host_)) address.host_ += address.is_secure_ ? ":443" : ":80";
  const bool is_hub_api_root = address.host_ == kDockerHub && (prefix == "v1" || prefix == "v2");
  if (prefix.empty() || is_hub_api_root) return address;
  if (auto checked = check_path(prefix); !checked) return invalid(text, checked.error().message);
  address.prefix_ = prefix;
  return address;
}

std::string Address::domain() const {
  return std::string(host_ == kDockerHub ? kHubDomain : without_port(host_));
}

std::string Address::api_url() const {
  return fmt::format("{}://{}", is_secure_ ? "https" : "http", host_ == kDockerHub ? kHubApi : host_);
}

bool Address::is_loopback() const {
  return is_loopback_host(host_);
}

bool is_public_registry(std::string_view host) {
  constexpr std::array<std::string_view, 13> kHosts{"docker.io",
                                                    "ghcr.io",
                                                    "quay.io",
                                                    "gcr.io",
                                                    "registry.k8s.io",
                                                    "public.ecr.aws",
                                                    "mcr.microsoft.com",
                                                    "nvcr.io",
                                                    "docker.elastic.co",
                                                    "registry.redhat.io",
                                                    "registry.access.redhat.com",
                                                    "lscr.io",
                                                    "cgr.dev"};
  return std::ranges::find(kHosts, host) != kHosts.end() || host.ends_with(".gcr.io");
}

std::string_view origin_of_public_registry(std::string_view host) {
  return host == "mirror.gcr.io" ? kDockerHub : host;
}

}  // namespace shim::image
