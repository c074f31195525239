// One line of the log, as text or as JSON. Pure.
//
//   text  2022-12-11T02:18:47 info shim-socket: /var/run/image-cri-shim.sock
//   json  {"time":"2022-12-11T02:18:47.123Z","level":"info","message":"shim-socket: /var/run/image-cri-shim.sock"}
//
// Time is UTC; levels are debug, info, warning, error. Control characters are escaped in both forms, so that hostile
// text cannot forge a line. For journald a line begins with its syslog priority, `<6>` (sd-daemon(3)); it is taken off
// there. No line is longer than the 48 KiB that journald takes as one (LineMax= of journald.conf(5)).
#pragma once

#include <spdlog/common.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace shim {

enum class LogFormat { text, json };

inline constexpr std::size_t kMaxLogMessage = 7 * 1024;  // octets; the rest is cut off
inline constexpr std::size_t kMaxLogLine = 48 * 1024;    // octets, with all escapes

// What a JSON line says in members of its own, in the order of the calls. Text lines have the message alone. A text is
// cut after 1 KiB, a list after eight texts, and what is too much for the line is left out. Names are literals.
class LogFields {
 public:
  LogFields& text(std::string_view name, std::string_view value);
  LogFields& number(std::string_view name, std::int64_t value);
  LogFields& seconds(std::string_view name, std::chrono::nanoseconds value);  // `1.204`
  LogFields& null(std::string_view name);
  LogFields& list(std::string_view name, std::span<const std::string> values);

  // `,"image":"nginx:1.25","attempts":1`: what goes between the message and the closing brace.
  std::string_view json() const { return json_; }

 private:
  LogFields& add(std::string_view name, std::string_view value);

  std::string json_;
};

struct LogStyle {
  LogFormat format = LogFormat::text;
  bool has_priorities = false;  // for journald
};

struct LogLine {
  std::chrono::system_clock::time_point time;
  spdlog::level::level_enum level = spdlog::level::info;
  std::string_view message;
  std::string_view fields{};  // LogFields::json()
};

// With the newline.
std::string format_line(const LogStyle& style, const LogLine& line);

}  // namespace shim
