#include "image/grammar.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.h"

namespace shim::image {
namespace {

constexpr std::size_t kMaxHost = 255;  // RFC 1035 §2.3.4, with room for no more than its port
constexpr std::size_t kMaxPath = 255;
constexpr std::size_t kMaxTag = 128;
constexpr std::size_t kMinDigestHex = 32;
constexpr std::size_t kMaxDigestHex = 1024;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}
bool is_upper(char c) {
  return c >= 'A' && c <= 'Z';
}
bool is_alphanumeric(char c) {
  return is_digit(c) || is_lower(c) || is_upper(c);
}
bool is_lower_hex(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f');
}
bool is_hex(char c) {
  return is_lower_hex(c) || (c >= 'A' && c <= 'F');
}
char lower(char c) {
  return is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c;
}

// The first part of `text` up to `separator`, which is taken off it with the part; all of it where there is none.
std::string_view take_until(std::string_view& text, char separator) {
  const std::size_t end = std::min(text.find(separator), text.size());
  const std::string_view part = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return part;
}

// Calls `check` for each part, the empty ones included; the first error ends it.
template <class Check>
Expected<void> check_each(std::string_view text, char separator, Check check) {
  const auto parts = std::ranges::count(text, separator) + 1;
  for (auto i = parts; i > 0; --i) {
    if (auto checked = check(take_until(text, separator)); !checked) return checked;
  }
  return {};
}

Expected<void> check_domain_component(std::string_view component) {
  if (component.empty()) return fail("the host has an empty part between its dots");
  if (!std::ranges::all_of(component, [](char c) { return is_alphanumeric(c) || c == '-'; })) {
    return fail(
        fmt::format("the part {} of the host holds more than letters, digits and hyphens", in_quotes(component, 64)));
  }
  if (component.front() == '-' || component.back() == '-') {
    return fail(fmt::format("the part {} of the host begins or ends with a hyphen", in_quotes(component, 64)));
  }
  return {};
}

Expected<void> check_port(std::string_view port) {
  if (port.empty()) return fail("the port after the host is empty");
  if (!std::ranges::all_of(port, is_digit)) return fail(fmt::format("the port {} is no number", in_quotes(port, 64)));
  return {};
}

Expected<void> check_ipv6_host(std::string_view host) {
  const std::size_t end = host.find(']');
  if (end == host.npos) return fail("the bracket around the IPv6 address is not closed");
  const std::string address(host.substr(1, end - 1));
  in6_addr parsed{};
  const bool only_hex = std::ranges::all_of(address, [](char c) { return is_hex(c) || c == ':'; });
  if (!only_hex || ::inet_pton(AF_INET6, address.c_str(), &parsed) != 1) {
    return fail(fmt::format("{} is no IPv6 address", in_quotes(address, 64)));
  }
  const std::string_view rest = host.substr(end + 1);
  if (rest.empty()) return {};
  if (!rest.starts_with(':')) return fail("a port or a slash must follow the IPv6 address");
  return check_port(rest.substr(1));
}

Expected<void> check_path_component(std::string_view component) {
  if (component.empty()) return fail("the path has an empty part");
  if (std::ranges::any_of(component, is_upper)) {
    return fail(fmt::format("the path must be lower case: {}", in_quotes(component, 64)));
  }
  const auto is_plain = [](char c) { return is_lower(c) || is_digit(c); };
  const auto is_separator = [](char c) { return c == '.' || c == '_' || c == '-'; };
  for (const char c : component) {
    if (is_plain(c) || is_separator(c)) continue;
    return fail(fmt::format("the path must not hold {}", in_quotes(std::string_view(&c, 1), 16)));
  }
  if (!is_plain(component.front()) || !is_plain(component.back())) {
    return fail(
        fmt::format("the part {} of the path must begin and end with a letter or digit", in_quotes(component, 64)));
  }
  for (std::size_t i = 0; i < component.size(); ++i) {
    std::size_t end = i;
    while (is_separator(component[end])) ++end;  // ends: the last character is plain
    const std::string_view separator = component.substr(i, end - i);
    const bool is_allowed =
        separator.size() <= 1 || separator == "__" || separator.find_first_not_of('-') == separator.npos;
    if (!is_allowed) {
      return fail(fmt::format("the path must not hold {}; separators are \".\", \"_\", \"__\" and hyphens",
                              in_quotes(separator, 16)));
    }
    i = end;
  }
  return {};
}

Expected<void> check_algorithm_component(std::string_view component) {
  const bool is_name = !component.empty() && is_lower(component.front()) &&
                       std::ranges::all_of(component, [](char c) { return is_lower(c) || is_digit(c); });
  if (!is_name) return fail("the digest's algorithm must be lower-case names such as sha256");
  return {};
}

}  // namespace

Expected<void> check_host(std::string_view host) {
  if (host.empty()) return fail("the host is empty");
  if (host.size() > kMaxHost) return fail(fmt::format("the host is longer than {} characters", kMaxHost));
  if (host.starts_with('[')) return check_ipv6_host(host);
  const bool has_port = host.find(':') != host.npos;
  const std::string_view name = take_until(host, ':');
  if (auto checked = check_each(name, '.', check_domain_component); !checked) return checked;
  return has_port ? check_port(host) : Expected<void>{};
}

Expected<void> check_path(std::string_view path) {
  if (path.empty()) return fail("the path is empty");
  if (path.size() > kMaxPath) return fail(fmt::format("the path is longer than {} characters", kMaxPath));
  return check_each(path, '/', check_path_component);
}

Expected<void> check_tag(std::string_view tag) {
  if (tag.empty()) return fail("the tag after the colon is empty");
  if (tag.size() > kMaxTag) return fail(fmt::format("the tag is longer than {} characters", kMaxTag));
  const bool is_word =
      std::ranges::all_of(tag, [](char c) { return is_alphanumeric(c) || c == '_' || c == '.' || c == '-'; });
  if (!is_word) {
    return fail(fmt::format("the tag {} holds more than letters, digits, \".\", \"_\" and \"-\"", in_quotes(tag, 64)));
  }
  if (tag.front() == '.' || tag.front() == '-') {
    return fail(fmt::format("the tag {} must begin with a letter, digit or \"_\"", in_quotes(tag, 64)));
  }
  return {};
}

Expected<void> check_digest(std::string_view digest) {
  struct Algorithm {
    std::string_view name;
    std::size_t hex_digits;
  };
  constexpr std::array<Algorithm, 3> kAlgorithms{{{"sha256", 64}, {"sha384", 96}, {"sha512", 128}}};

  const std::size_t colon = digest.find(':');
  if (colon == digest.npos) return fail("the digest after \"@\" must be algorithm:hex, such as sha256:…");
  const std::string_view algorithm = digest.substr(0, colon);
  const std::string_view hex = digest.substr(colon + 1);
  for (const Algorithm& known : kAlgorithms) {
    if (algorithm != known.name) continue;
    if (hex.size() == known.hex_digits && std::ranges::all_of(hex, is_lower_hex)) return {};
    return fail(fmt::format("a {} digest has {} lower-case hex digits", known.name, known.hex_digits));
  }
  std::string separated(algorithm);
  std::ranges::replace_if(separated, [](char c) { return c == '+' || c == '-' || c == '_'; }, '.');
  if (auto checked = check_each(separated, '.', check_algorithm_component); !checked) return checked;
  if (hex.size() < kMinDigestHex || hex.size() > kMaxDigestHex || !std::ranges::all_of(hex, is_hex)) {
    return fail(fmt::format("a digest has {} to {} hex digits", kMinDigestHex, kMaxDigestHex));
  }
  return {};
}

bool is_host_component(std::string_view component) {
  return component == "localhost" ||
         std::ranges::any_of(component, [](char c) { return c == '.' || c == ':' || is_upper(c); });
}

std::string normal_host(std::string_view host) {
  std::string out(host);
  std::ranges::transform(out, out.begin(), lower);
  if (out == "index.docker.io" || out == "registry-1.docker.io") return std::string(kDockerHub);
  return is_host_component(out) ? out : std::string(host);
}

}  // namespace shim::image
