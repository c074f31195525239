#include "http2/message_rules.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace shim::http2 {
namespace {

// What octets a field's name and value may hold, looked up: each octet of each call passes here.
struct OctetClasses {
  std::array<bool, 256> in_name{};  // RFC 9110 §5.6.2, without the upper case that RFC 9113 §8.2 forbids
  std::array<bool, 256> in_value{};

  constexpr OctetClasses() {
    for (const char letter : std::string_view("abcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-.^_`|~")) {
      in_name[static_cast<unsigned char>(letter)] = true;
    }
    for (std::size_t octet = 0; octet < in_value.size(); ++octet) {
      in_value[octet] = octet != '\0' && octet != '\r' && octet != '\n';
    }
  }
};
constexpr OctetClasses kClasses;

bool consists_of(std::string_view text, const std::array<bool, 256>& allowed) {
  bool all = true;
  for (const char c : text) all = all && allowed[static_cast<unsigned char>(c)];
  return all;
}

bool is_connection_specific(std::string_view name) {
  switch (name.size()) {
    case 7:
      return name == "upgrade";
    case 10:
      return name == "connection" || name == "keep-alive";
    case 16:
      return name == "proxy-connection";
    case 17:
      return name == "transfer-encoding";
    default:
      return false;
  }
}

std::optional<std::string_view> malformed_field(const HeaderList::Field& field) {
  if (field.name.empty()) return "a field has no name";
  if (!consists_of(field.name, kClasses.in_name)) return "a field name holds an upper-case or invalid character";
  if (!consists_of(field.value, kClasses.in_value)) return "a field value holds NUL, CR or LF";
  if (is_connection_specific(field.name)) return "a connection-specific field";
  if (field.name == "te" && field.value != "trailers") return "te is not trailers";
  return std::nullopt;
}

// Counts the pseudo-header fields named in `allowed`, and checks all the others as regular fields.
template <std::size_t N>
std::optional<std::string_view> check(const HeaderList& headers, const std::array<std::string_view, N>& allowed,
                                      std::array<int, N>& seen) {
  bool regular_seen = false;
  std::optional<std::string_view> length;
  for (std::size_t i = 0; i < headers.size(); ++i) {
    const HeaderList::Field field = headers[i];
    if (field.name.starts_with(':')) {
      if (regular_seen) return "a pseudo-header field after a regular one";
      const auto at = std::ranges::find(allowed, field.name);
      if (at == allowed.end()) return "an unknown pseudo-header field";
      if (++seen[static_cast<std::size_t>(at - allowed.begin())] > 1) return "a repeated pseudo-header field";
      if (!consists_of(field.value, kClasses.in_value)) return "a pseudo-header value holds NUL, CR or LF";
      continue;
    }
    regular_seen = true;
    if (const auto problem = malformed_field(field)) return problem;
    if (field.name == "content-length") {
      if (length && *length != field.value) return "two different content-length fields";
      length = field.value;
    }
  }
  if (length && !content_length(headers)) return "content-length is not a number";
  return std::nullopt;
}

}  // namespace

std::optional<std::string_view> malformed_request(const HeaderList& headers) {
  constexpr std::array<std::string_view, 4> kNames = {":method", ":scheme", ":path", ":authority"};
  std::array<int, 4> seen{};
  if (const auto problem = check(headers, kNames, seen)) return problem;
  if (seen[0] != 1) return ":method is missing";
  if (headers.find(":method") == "CONNECT") {
    if (seen[1] + seen[2] != 0) return "CONNECT with :scheme or :path";
    return std::nullopt;
  }
  if (seen[1] != 1) return ":scheme is missing";
  if (seen[2] != 1 || headers.find(":path")->empty()) return ":path is missing or empty";
  return std::nullopt;
}

std::optional<std::string_view> malformed_response(const HeaderList& headers) {
  constexpr std::array<std::string_view, 1> kNames = {":status"};
  std::array<int, 1> seen{};
  if (const auto problem = check(headers, kNames, seen)) return problem;
  const auto status = headers.find(":status");
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (!status || status->size() != 3 || !std::ranges::all_of(*status, is_digit))
    return ":status is missing or no number";
  if (*status == "101") return "101 has no meaning in HTTP/2";
  return std::nullopt;
}

std::optional<std::string_view> malformed_trailers(const HeaderList& trailers) {
  constexpr std::array<std::string_view, 0> kNames = {};
  std::array<int, 0> seen{};
  return check(trailers, kNames, seen);
}

std::optional<std::uint64_t> content_length(const HeaderList& headers) {
  const auto text = headers.find("content-length");
  if (!text || text->empty()) return std::nullopt;
  std::uint64_t length = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), length);
  if (error != std::errc{} || end != text->data() + text->size()) return std::nullopt;
  return length;
}

bool is_informational(const HeaderList& headers) {
  const auto status = headers.find(":status");
  return status && status->starts_with('1');
}

}  // namespace shim::http2
