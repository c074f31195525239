#include "base/log_line.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <nlohmann/json.hpp>

#include "base/text.h"

namespace shim {
namespace {

constexpr std::size_t kMaxFields = 4 * 1024;
constexpr std::size_t kMaxFieldText = 1024;
constexpr std::size_t kMaxListed = 8;
static_assert(6 * kMaxLogMessage + kMaxFields + 256 < kMaxLogLine, "a JSON escape takes six bytes");

std::string_view level_word(spdlog::level::level_enum level) {
  switch (level) {
    case spdlog::level::trace:
    case spdlog::level::debug:
      return "debug";
    case spdlog::level::warn:
      return "warning";
    case spdlog::level::err:
    case spdlog::level::critical:
      return "error";
    default:
      return "info";
  }
}

// Of syslog(3).
std::string_view priority(spdlog::level::level_enum level) {
  switch (level) {
    case spdlog::level::trace:
    case spdlog::level::debug:
      return "<7>";
    case spdlog::level::warn:
      return "<4>";
    case spdlog::level::err:
    case spdlog::level::critical:
      return "<3>";
    default:
      return "<6>";
  }
}

// `2022-12-11T02:18:47`, in UTC.
std::string utc_time(std::chrono::system_clock::time_point time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(std::chrono::floor<std::chrono::seconds>(time));
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday,
                     utc.tm_hour, utc.tm_min, utc.tm_sec);
}

// A JSON string. Bytes that are not UTF-8 become U+FFFD; so does half a character at the cut.
std::string quoted(std::string_view text, std::size_t max_bytes) {
  const nlohmann::json value(text.substr(0, max_bytes));
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

// In this order, which an object of the library would not keep.
std::string json_line(const LogLine& line) {
  const auto milliseconds = std::chrono::floor<std::chrono::milliseconds>(line.time.time_since_epoch()).count() % 1000;
  return fmt::format(R"({{"time":"{}.{:03}Z","level":"{}","message":{}{}}})", utc_time(line.time), milliseconds,
                     level_word(line.level), quoted(line.message, kMaxLogMessage), line.fields);
}

std::string text_line(const LogLine& line) {
  return fmt::format("{} {} {}", utc_time(line.time), level_word(line.level), printable(line.message, kMaxLogMessage));
}

}  // namespace

LogFields& LogFields::text(std::string_view name, std::string_view value) {
  return add(name, quoted(value, kMaxFieldText));
}

LogFields& LogFields::number(std::string_view name, std::int64_t value) {
  return add(name, std::to_string(value));
}

LogFields& LogFields::seconds(std::string_view name, std::chrono::nanoseconds value) {
  return add(name, fmt::format("{:.3f}", std::chrono::duration<double>(value).count()));
}

LogFields& LogFields::null(std::string_view name) {
  return add(name, "null");
}

LogFields& LogFields::list(std::string_view name, std::span<const std::string> values) {
  std::string array;
  for (const std::string& value : values.first(std::min(values.size(), kMaxListed))) {
    array += (array.empty() ? "[" : ",") + quoted(value, kMaxFieldText);
  }
  return add(name, array.empty() ? "[]" : array + "]");
}

LogFields& LogFields::add(std::string_view name, std::string_view value) {
  std::string field = fmt::format(R"(,"{}":{})", name, value);
  if (json_.size() + field.size() <= kMaxFields) json_ += field;
  return *this;
}

std::string format_line(const LogStyle& style, const LogLine& line) {
  std::string text = style.format == LogFormat::json ? json_line(line) : text_line(line);
  if (style.has_priorities) text.insert(0, priority(line.level));
  return text += '\n';
}

}  // namespace shim
