#include "registry/health.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <ctime>
#include <limits>
#include <string>

namespace shim::registry {
namespace {

using std::chrono::seconds;

// A longer time is cut to this, so that it can be added to any clock (RFC 9111 §1.2.2 does so for its delta-seconds).
constexpr seconds kLongestTime{std::numeric_limits<std::int32_t>::max()};
constexpr std::size_t kLongestDate = 64;  // bytes; the longest form has 33

std::optional<seconds> parse_seconds(std::string_view text) {
  const bool is_number = !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
  if (!is_number) return std::nullopt;
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} ? std::min(seconds(number), kLongestTime) : kLongestTime;
}

std::optional<seconds> parse_retry_after(std::string_view text, std::chrono::system_clock::time_point now) {
  if (const auto time = parse_seconds(text)) return time;
  const auto date = parse_date(text);
  if (!date) return std::nullopt;
  // Whole seconds before the difference is taken: a date of the year 9999 is too far for a clock of nanoseconds.
  return std::clamp(*date - std::chrono::floor<seconds>(now), seconds(0), kLongestTime);
}

}  // namespace

// The daemon runs in the C locale, so names are the English ones.
std::optional<std::chrono::sys_seconds> parse_date(std::string_view text) {
  if (text.size() > kLongestDate) return std::nullopt;
  const std::string date(text);
  for (const char* form : {"%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y"}) {
    std::tm parsed{};
    const char* end = ::strptime(date.c_str(), form, &parsed);
    if (end == nullptr || *end != '\0') continue;
    const std::chrono::year_month_day day{std::chrono::year(parsed.tm_year + 1900),
                                          std::chrono::month(static_cast<unsigned>(parsed.tm_mon) + 1),
                                          std::chrono::day(static_cast<unsigned>(parsed.tm_mday))};
    if (!day.ok()) return std::nullopt;
    return std::chrono::sys_days(day) + std::chrono::hours(parsed.tm_hour) + std::chrono::minutes(parsed.tm_min) +
           seconds(parsed.tm_sec);
  }
  return std::nullopt;
}

Health health_of_status(int status, std::string_view retry_after, std::chrono::system_clock::time_point now) {
  if (status != 429 && status < 500) return {.kind = Health::Kind::answered};
  if (status != 429 && status != 503) return {.kind = Health::Kind::failed};
  const auto time = parse_retry_after(retry_after, now);
  if (status == 503 && !time) return {.kind = Health::Kind::failed};
  return {.kind = Health::Kind::throttled, .retry_after = time};
}

}  // namespace shim::registry
