// What the certificate of a TLS peer says of itself, for people. Pure.
#pragma once

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace shim::http {

struct PeerCertificate {
  std::string subject{};             // `CN = registry.local`
  std::string issuer{};              // the same of who has signed it
  std::vector<std::string> names{};  // host names and IP addresses that it is for
  std::optional<std::chrono::sys_seconds> not_before{};
  std::optional<std::chrono::sys_seconds> not_after{};

  friend bool operator==(const PeerCertificate&, const PeerCertificate&) = default;
};

// Of the fields that libcurl gives (CURLINFO_CERTINFO): `Subject:CN = registry.local`, `Expire date:Nov 24 00:49:02
// 2026 GMT`. The peer has written them: text of any kind is safe to pass, and is not printable().
PeerCertificate read_certificate(std::span<const std::string_view> fields);

}  // namespace shim::http
