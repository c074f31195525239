// What the log has said lately, so that a line which repeats a thousand times a second is written a few times and
// counted from then on. A state machine without clock or I/O; not thread-safe.
//
// A text is written up to `burst` times. From then on it is counted, and at the end of its window it is told once how
// often; each window is twice as long as the one before. A window in which it was not counted ends that: it is news
// again. Only a text that is the same to the last byte, at the same level, is a repeat: what differs is never held
// back, and nothing is held back without being counted.
#pragma once

#include <spdlog/common.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace shim {

class LogRepeats {
 public:
  using Clock = std::chrono::steady_clock;

  struct Options {
    std::uint32_t burst = 5;
    Clock::duration first_window = std::chrono::seconds(10);
    Clock::duration last_window = std::chrono::minutes(5);
    std::size_t max_texts = 64;  // watched at the same time; the one that was said longest ago makes room
  };

  // A text that was held back.
  struct Repeated {
    spdlog::level::level_enum level;
    std::string text;
    std::uint64_t count;
    Clock::duration over;  // its window, until now
  };

  struct Verdict {
    bool is_written;
    std::optional<Repeated> displaced{};  // another text that made room, to be told now
  };

  explicit LogRepeats(Options options) : options_(options) {}

  Verdict say(spdlog::level::level_enum level, std::string_view text, Clock::time_point now);

  // When take_due() has something to do next; nothing while it is watching nothing.
  std::optional<Clock::time_point> next_due() const;
  // What was held back in windows that have ended.
  std::vector<Repeated> take_due(Clock::time_point now);
  // What is held back now; everything is news afterwards. For the end of the log.
  std::vector<Repeated> take_all(Clock::time_point now);

 private:
  struct Watched {
    spdlog::level::level_enum level;
    std::size_t hash;
    std::string text;
    std::uint32_t written;  // of its burst
    std::uint64_t count;    // held back in this window
    Clock::time_point begin, end, last_said;
  };

  std::optional<Repeated> make_room(Clock::time_point now);

  const Options options_;
  std::vector<Watched> watched_;
};

// `TEXT (said 995 times more in the last 10s)`.
std::string repeated_text(const LogRepeats::Repeated& repeated);

}  // namespace shim
