#include "kubernetes/impersonation.h"

#include <fmt/format.h>

#include <string>
#include <string_view>

namespace shim::kubernetes {
namespace {

// RFC 9110 §5.6.2, but for `%`, which begins an escape.
bool is_name_character(char c) {
  constexpr std::string_view kOthers = "!#$&'*+-.^_`|~";
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         kOthers.find(c) != std::string_view::npos;
}

std::string escaped(std::string_view key) {
  std::string name;
  for (const char c : key) {
    if (is_name_character(c)) {
      name += c;
    } else {
      name += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return name;
}

}  // namespace

http::Headers impersonation_headers(const Impersonation& impersonation) {
  http::Headers headers;
  if (impersonation.user.empty()) return headers;
  headers.add("Impersonate-User", impersonation.user);
  if (!impersonation.uid.empty()) headers.add("Impersonate-Uid", impersonation.uid);
  for (const std::string& group : impersonation.groups) headers.add("Impersonate-Group", group);
  for (const auto& [key, values] : impersonation.extra) {
    for (const std::string& value : values) headers.add("Impersonate-Extra-" + escaped(key), value);
  }
  return headers;
}

}  // namespace shim::kubernetes
