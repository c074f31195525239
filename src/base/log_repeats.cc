#include "base/log_repeats.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <utility>

#include "base/units.h"

namespace shim {
namespace {

constexpr std::size_t kMaxShown = 6 * 1024;  // of a text: the log cuts longer lines, and would cut off the count

}  // namespace

LogRepeats::Verdict LogRepeats::say(spdlog::level::level_enum level, std::string_view text, Clock::time_point now) {
  const std::size_t hash = std::hash<std::string_view>()(text);
  const auto known = std::ranges::find_if(
      watched_, [&](const Watched& each) { return each.hash == hash && each.level == level && each.text == text; });
  if (known != watched_.end()) {
    known->last_said = now;
    if (known->written < options_.burst) {
      ++known->written;
      return {.is_written = true};
    }
    ++known->count;
    return {.is_written = false};
  }
  Verdict verdict{.is_written = true, .displaced = make_room(now)};
  watched_.push_back({.level = level,
                      .hash = hash,
                      .text = std::string(text),
                      .written = 1,
                      .count = 0,
                      .begin = now,
                      .end = now + options_.first_window,
                      .last_said = now});
  return verdict;
}

std::optional<LogRepeats::Repeated> LogRepeats::make_room(Clock::time_point now) {
  if (watched_.size() < options_.max_texts) return std::nullopt;
  const auto oldest = std::ranges::min_element(watched_, {}, &Watched::last_said);
  std::optional<Repeated> displaced;
  if (oldest->count > 0) {
    displaced = Repeated{oldest->level, std::move(oldest->text), oldest->count, now - oldest->begin};
  }
  watched_.erase(oldest);
  return displaced;
}

std::optional<LogRepeats::Clock::time_point> LogRepeats::next_due() const {
  if (watched_.empty()) return std::nullopt;
  return std::ranges::min_element(watched_, {}, &Watched::end)->end;
}

std::vector<LogRepeats::Repeated> LogRepeats::take_due(Clock::time_point now) {
  std::erase_if(watched_, [&](const Watched& each) { return each.end <= now && each.count == 0; });
  std::vector<Repeated> due;
  for (Watched& each : watched_) {
    if (each.end > now) continue;
    due.push_back({each.level, each.text, std::exchange(each.count, 0), now - each.begin});
    const Clock::duration window = std::min(2 * (each.end - each.begin), options_.last_window);
    each.begin = now;
    each.end = now + window;
  }
  return due;
}

std::vector<LogRepeats::Repeated> LogRepeats::take_all(Clock::time_point now) {
  std::vector<Repeated> all;
  for (Watched& each : std::exchange(watched_, {})) {
    if (each.count > 0) all.push_back({each.level, std::move(each.text), each.count, now - each.begin});
  }
  return all;
}

std::string repeated_text(const LogRepeats::Repeated& repeated) {
  const auto over = std::max(std::chrono::round<std::chrono::seconds>(repeated.over), std::chrono::seconds(1));
  return fmt::format("{} (said {} times more in the last {})", std::string_view(repeated.text).substr(0, kMaxShown),
                     repeated.count, format_duration(over));
}

}  // namespace shim
