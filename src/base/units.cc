#include "base/units.h"

#include <fmt/format.h>

#include <array>
#include <limits>
#include <optional>

#include "base/text.h"

namespace shim {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

constexpr std::array<Unit, 8> kDurationUnits{{
    {"ns", 1},
    {"us", 1'000},
    {"µs", 1'000},  // U+00B5, micro sign
    {"μs", 1'000},  // U+03BC, Greek mu
    {"ms", 1'000'000},
    {"s", 1'000'000'000},
    {"m", 60'000'000'000},
    {"h", 3'600'000'000'000},
}};

constexpr std::array<Unit, 13> kSizeUnits{{
    {"", 1},
    {"k", 1'000},
    {"M", 1'000'000},
    {"G", 1'000'000'000},
    {"T", 1'000'000'000'000},
    {"P", 1'000'000'000'000'000},
    {"E", 1'000'000'000'000'000'000},
    {"Ki", 1ULL << 10},
    {"Mi", 1ULL << 20},
    {"Gi", 1ULL << 30},
    {"Ti", 1ULL << 40},
    {"Pi", 1ULL << 50},
    {"Ei", 1ULL << 60},
}};

template <std::size_t N>
std::optional<std::uint64_t> factor_of(const std::array<Unit, N>& units, std::string_view name) {
  for (const Unit& unit : units) {
    if (unit.name == name) return unit.factor;
  }
  return std::nullopt;
}

// `12`, `1.5`, `.5` or `5.`, taken off the front of a text.
struct Decimal {
  std::string_view whole;
  std::string_view fraction;
};

std::string_view take_digits(std::string_view& text) {
  std::size_t length = 0;
  while (length < text.size() && is_digit(text[length])) ++length;
  const std::string_view digits = text.substr(0, length);
  text.remove_prefix(length);
  return digits;
}

std::optional<Decimal> take_decimal(std::string_view& text) {
  Decimal decimal;
  decimal.whole = take_digits(text);
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    decimal.fraction = take_digits(text);
  }
  if (decimal.whole.empty() && decimal.fraction.empty()) return std::nullopt;
  return decimal;
}

// `decimal` times `factor`, rounded down, in exact integer arithmetic; nothing when it does not fit into 64 bits.
std::optional<std::uint64_t> scaled(const Decimal& decimal, std::uint64_t factor) {
  std::uint64_t whole = 0;
  for (const char digit : decimal.whole) {
    if (__builtin_mul_overflow(whole, std::uint64_t{10}, &whole)) return std::nullopt;
    if (__builtin_add_overflow(whole, static_cast<std::uint64_t>(digit - '0'), &whole)) return std::nullopt;
  }
  if (__builtin_mul_overflow(whole, factor, &whole)) return std::nullopt;
  // Long division, a digit at a time from the last: part = (digit * factor + part) / 10 < factor.
  std::uint64_t part = 0;
  for (std::size_t i = decimal.fraction.size(); i-- > 0;) {
    const auto digit = static_cast<std::uint64_t>(decimal.fraction[i] - '0');
    // digit * factor needs more than 64 bits for the largest factor: divide by ten before multiplying.
    part = digit * (factor / 10) + (digit * (factor % 10) + part) / 10;
  }
  if (__builtin_add_overflow(whole, part, &whole)) return std::nullopt;
  return whole;
}

std::unexpected<Error> bad_duration(std::string_view text, std::string_view why) {
  return fail(fmt::format("expected a duration such as 15m, 1m30s or 500ms, got {}: {}", in_quotes(text, 64), why));
}

std::unexpected<Error> bad_size(std::string_view text, std::string_view why) {
  return fail(fmt::format("expected a size such as 16Mi, 64Ki or 4096, got {}: {}", in_quotes(text, 64), why));
}

// `value` in units of `unit`, with the fraction that is left and no zeros at its end: 1.5, 20, 0.25.
std::string trimmed(std::uint64_t value, std::uint64_t unit) {
  std::string out = fmt::format("{}", value / unit);
  if (const std::uint64_t rest = value % unit; rest != 0) {
    std::string digits = fmt::format("{}", unit + rest).substr(1);  // rest with its leading zeros
    digits.erase(digits.find_last_not_of('0') + 1);
    out += "." + digits;
  }
  return out;
}

}  // namespace

Expected<std::chrono::nanoseconds> parse_duration(std::string_view text) {
  constexpr std::uint64_t kLongest = std::numeric_limits<std::chrono::nanoseconds::rep>::max();
  std::string_view rest = text;
  if (rest.starts_with('-')) return bad_duration(text, "it is negative");
  if (rest.starts_with('+')) rest.remove_prefix(1);
  if (rest.empty()) return bad_duration(text, "it is empty");
  if (rest == "0") return std::chrono::nanoseconds::zero();
  std::uint64_t total = 0;
  while (!rest.empty()) {
    const auto decimal = take_decimal(rest);
    if (!decimal) return bad_duration(text, "a number is missing");
    std::size_t length = 0;
    while (length < rest.size() && rest[length] != '.' && !is_digit(rest[length])) ++length;
    if (length == 0) return bad_duration(text, "a unit is missing (ns, us, ms, s, m or h)");
    const auto factor = factor_of(kDurationUnits, rest.substr(0, length));
    if (!factor) return bad_duration(text, "the units are ns, us, ms, s, m and h");
    rest.remove_prefix(length);
    const auto part = scaled(*decimal, *factor);
    if (!part || __builtin_add_overflow(total, *part, &total) || total > kLongest) {
      return bad_duration(text, "it is longer than 292 years");
    }
  }
  return std::chrono::nanoseconds(static_cast<std::chrono::nanoseconds::rep>(total));
}

std::string format_duration(std::chrono::nanoseconds duration) {
  constexpr std::uint64_t kSecond = 1'000'000'000;
  const auto count = duration.count();
  const std::string sign = count < 0 ? "-" : "";
  const std::uint64_t value = count < 0 ? ~static_cast<std::uint64_t>(count) + 1 : static_cast<std::uint64_t>(count);
  if (value == 0) return "0s";
  if (value < 1'000) return fmt::format("{}{}ns", sign, value);
  if (value < 1'000'000) return sign + trimmed(value, 1'000) + "µs";
  if (value < kSecond) return sign + trimmed(value, 1'000'000) + "ms";
  const std::uint64_t hours = value / (3600 * kSecond);
  const std::uint64_t minutes = value / (60 * kSecond) % 60;
  const std::string seconds = trimmed(value % (60 * kSecond), kSecond) + "s";
  if (hours > 0) return fmt::format("{}{}h{}m{}", sign, hours, minutes, seconds);
  if (minutes > 0) return fmt::format("{}{}m{}", sign, minutes, seconds);
  return sign + seconds;
}

Expected<std::uint64_t> parse_size(std::string_view text) {
  std::string_view rest = text;
  if (rest.starts_with('-')) return bad_size(text, "it is negative");
  const auto decimal = take_decimal(rest);
  if (!decimal) return bad_size(text, "it does not begin with a number");
  const auto factor = factor_of(kSizeUnits, rest);
  if (!factor) return bad_size(text, "the units are Ki, Mi, Gi, Ti, Pi, Ei (1024) and k, M, G, T, P, E (1000)");
  const auto bytes = scaled(*decimal, *factor);
  if (!bytes) return bad_size(text, "it does not fit into 64 bits");
  return *bytes;
}

std::string format_size(std::uint64_t bytes) {
  constexpr std::array<std::string_view, 7> kSuffixes{"", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"};
  std::size_t power = 0;
  while (bytes != 0 && bytes % 1024 == 0 && power + 1 < kSuffixes.size()) {
    bytes /= 1024;
    ++power;
  }
  return fmt::format("{}{}", bytes, kSuffixes[power]);
}

}  // namespace shim
