#include "http/peer_certificate.h"

#include <algorithm>
#include <array>
#include <ctime>

namespace shim::http {
namespace {

constexpr std::size_t kLongestDate = 64;  // bytes; OpenSSL's have 24
constexpr std::array<std::string_view, 2> kNamePrefixes = {"DNS:", "IP Address:"};

// ASN1_TIME_print(3): `Nov 24 00:49:02 2026 GMT`. The process runs in the C locale, so names are the English ones.
std::optional<std::chrono::sys_seconds> parse_date(std::string_view text) {
  if (text.size() > kLongestDate) return std::nullopt;
  const std::string date(text);
  std::tm parsed{};
  const char* end = ::strptime(date.c_str(), "%b %d %H:%M:%S %Y GMT", &parsed);
  if (end == nullptr || *end != '\0') return std::nullopt;
  const std::chrono::year_month_day day{std::chrono::year(parsed.tm_year + 1900),
                                        std::chrono::month(static_cast<unsigned>(parsed.tm_mon) + 1),
                                        std::chrono::day(static_cast<unsigned>(parsed.tm_mday))};
  if (!day.ok()) return std::nullopt;
  return std::chrono::sys_days(day) + std::chrono::hours(parsed.tm_hour) + std::chrono::minutes(parsed.tm_min) +
         std::chrono::seconds(parsed.tm_sec);
}

// `DNS:a.test, IP Address:127.0.0.1`
std::vector<std::string> parse_names(std::string_view text) {
  std::vector<std::string> names;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(", "), text.size());
    const std::string_view name = text.substr(0, end);
    for (const std::string_view prefix : kNamePrefixes) {
      if (name.starts_with(prefix)) names.emplace_back(name.substr(prefix.size()));
    }
    text.remove_prefix(std::min(end + 2, text.size()));
  }
  return names;
}

}  // namespace

PeerCertificate read_certificate(std::span<const std::string_view> fields) {
  PeerCertificate certificate;
  for (const std::string_view field : fields) {
    const std::size_t colon = std::min(field.find(':'), field.size());
    const std::string_view name = field.substr(0, colon);
    const std::string_view value = field.substr(std::min(colon + 1, field.size()));
    if (name == "Subject") certificate.subject = value;
    if (name == "Issuer") certificate.issuer = value;
    if (name == "X509v3 Subject Alternative Name") certificate.names = parse_names(value);
    if (name == "Start date") certificate.not_before = parse_date(value);
    if (name == "Expire date") certificate.not_after = parse_date(value);
  }
  return certificate;
}

}  // namespace shim::http
