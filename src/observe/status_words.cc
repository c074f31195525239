#include "observe/status_words.h"

#include <fmt/format.h>

#include <ratio>

#include "base/units.h"

namespace shim::observe {

using namespace std::chrono_literals;
using std::chrono::microseconds;
using std::chrono::milliseconds;

namespace {

std::string with_time(std::string text, const char* label, const std::optional<milliseconds>& time) {
  return time ? fmt::format("{}{}{}", text, label, short_duration(*time)) : text;
}

}  // namespace

std::string short_duration(milliseconds duration) {
  if (duration < 1ms) return "<1ms";
  if (duration < 1s) return format_duration(duration);
  if (duration < 10s) return format_duration(std::chrono::round<std::chrono::duration<long, std::deci>>(duration));
  if (duration < 1min) return fmt::format("{}s", std::chrono::floor<std::chrono::seconds>(duration).count());
  if (duration < 1h) return fmt::format("{}m", std::chrono::floor<std::chrono::minutes>(duration).count());
  if (duration < 48h) return fmt::format("{}h", std::chrono::floor<std::chrono::hours>(duration).count());
  return fmt::format("{}d", std::chrono::floor<std::chrono::hours>(duration).count() / 24);
}

std::string age(Status::Time time, Status::Time now) {
  if (now - time < 1s) return "now";
  return short_duration(std::chrono::floor<std::chrono::seconds>(now - time)) + " ago";
}

std::string latency_text(microseconds latency) {
  if (latency < 10ms) return fmt::format("{:.2g}ms", static_cast<double>(latency.count()) / 1000);
  return short_duration(std::chrono::round<milliseconds>(latency));
}

std::string state_text(Status::Registry::State state) {
  switch (state) {
    case Status::Registry::State::not_asked:
      return "not asked yet";
    case Status::Registry::State::well:
      return "well";
    case Status::Registry::State::failing:
      return "failing";
    case Status::Registry::State::left_out:
      break;
  }
  return "left out";
}

std::string reason_text(const Status::Registry& registry) {
  if (registry.state != Status::Registry::State::left_out) return registry.reason;
  std::string text = with_time(registry.reason, "; for ", registry.open_for);
  return registry.next_check ? with_time(std::move(text), ", next check in ", registry.next_check)
                             : text + ", being checked";
}

std::string last_failure_text(const Status::Registry& registry, Status::Time now) {
  if (registry.last_failure.empty() || !registry.failed_at) return registry.last_failure;
  return fmt::format("{} ({})", registry.last_failure, age(*registry.failed_at, now));
}

std::string runtime_text(const Status::Runtime& runtime) {
  if (!runtime.problem.empty()) return "does not answer";
  if (runtime.name.empty()) return "answers, and does not say what it is";
  std::string text = runtime.name + " " + runtime.version;
  if (!runtime.cri_version.empty()) text += ", CRI " + runtime.cri_version;
  return text;
}

std::string cache_text(const Status::Cache& cache) {
  if (cache.capacity == 0) return "off";
  std::string text =
      fmt::format("{} of {} images, {} hits, {} misses", cache.references, cache.capacity, cache.hits, cache.misses);
  const std::uint64_t asked = cache.hits + cache.misses;
  if (asked > 0) text += fmt::format(" ({} %)", cache.hits * 100 / asked);
  return text;
}

std::string original_text(const Status::Original& original) {
  if (original.is_denied) return "not used (fallback: deny)";
  return fmt::format("{} pulled, {} failed", original.pulls_succeeded, original.pulls_failed);
}

std::string config_map_text(const Status::ConfigMap& map, Status::Time now) {
  using State = Status::ConfigMap::State;
  if (map.state == State::disabled) return "not followed (configMap.enabled: false)";
  std::string text = map.name + ": ";
  if (map.state == State::starting) text += "not heard of yet";
  if (map.state == State::following) text += "followed";
  if (map.state == State::polling) text += "asked for now and then";
  if (map.state == State::unknown) text += map.server.empty() ? "no API server is known" : "cannot be read";
  if (map.last_seen) text += ", seen " + age(*map.last_seen, now);
  if (!map.problem.empty()) text += ", refused";
  return text;
}

std::string conclusion(const std::vector<Concern>& concerns) {
  if (concerns.empty()) return "all is well";
  if (concerns.size() == 1) return "1 thing needs attention";
  return fmt::format("{} things need attention", concerns.size());
}

}  // namespace shim::observe
