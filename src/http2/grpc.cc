#include "http2/grpc.h"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "base/percent.h"

namespace shim::http2 {
namespace {

constexpr std::array<std::string_view, 17> kStatusNames = {
    "OK",        "CANCELLED",      "UNKNOWN",           "INVALID_ARGUMENT",   "DEADLINE_EXCEEDED",
    "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
    "ABORTED",   "OUT_OF_RANGE",   "UNIMPLEMENTED",     "INTERNAL",           "UNAVAILABLE",
    "DATA_LOSS", "UNAUTHENTICATED"};

// Peers refuse header lists over 16 KiB by default (grpc-go's client: http2.maxHeaderListSize), so that a longer
// message would cost the status itself. Encoding makes three octets of one.
constexpr std::size_t kMaxMessage = 5 * 1024;

struct TimeUnit {
  char letter;
  std::chrono::nanoseconds length;
};
constexpr std::array<TimeUnit, 6> kTimeUnits = {{{'n', std::chrono::nanoseconds(1)},
                                                 {'u', std::chrono::microseconds(1)},
                                                 {'m', std::chrono::milliseconds(1)},
                                                 {'S', std::chrono::seconds(1)},
                                                 {'M', std::chrono::minutes(1)},
                                                 {'H', std::chrono::hours(1)}}};
constexpr std::int64_t kMaxTimeoutDigits = 99'999'999;

// At most `size` octets of UTF-8 text, never a part of a character.
std::string_view cut(std::string_view text, std::size_t size) {
  if (text.size() <= size) return text;
  const auto is_inside = [&](std::size_t at) { return (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80; };
  while (size > 0 && is_inside(size)) --size;
  return text.substr(0, size);
}

void add_status(HeaderList& list, const Status& status) {
  list.add("grpc-status", std::to_string(static_cast<int>(status.code)));
  if (!status.message.empty()) {
    list.add("grpc-message", percent_encode(cut(status.message, kMaxMessage)));
  }
}

}  // namespace

std::string status_name(StatusCode code) {
  const auto number = static_cast<std::size_t>(code);
  if (number < kStatusNames.size()) return std::string(kStatusNames[number]);
  return "CODE(" + std::to_string(static_cast<int>(code)) + ")";
}

std::uint32_t MessageReader::announced() const {
  return (std::uint32_t{prefix_[1]} << 24) | (std::uint32_t{prefix_[2]} << 16) | (std::uint32_t{prefix_[3]} << 8) |
         std::uint32_t{prefix_[4]};
}

MessageReader::State MessageReader::feed(std::string_view& octets) {
  while (prefix_size_ < kPrefix) {
    if (octets.empty()) return State::incomplete;
    prefix_[prefix_size_++] = static_cast<unsigned char>(octets.front());
    octets.remove_prefix(1);
  }
  if (announced() > max_message_) return State::too_large;
  if (message_.empty()) message_.reserve(std::min<std::size_t>(announced(), octets.size()));
  const std::size_t missing = announced() - message_.size();
  const std::size_t taken = std::min(missing, octets.size());
  message_.append(octets.substr(0, taken));
  octets.remove_prefix(taken);
  return taken == missing ? State::complete : State::incomplete;
}

std::string MessageReader::take() {
  prefix_size_ = 0;
  return std::exchange(message_, {});
}

std::string message_prefix(std::size_t size, bool is_compressed) {
  const auto length = static_cast<std::uint32_t>(size);
  return {static_cast<char>(is_compressed ? 1 : 0), static_cast<char>(length >> 24), static_cast<char>(length >> 16),
          static_cast<char>(length >> 8), static_cast<char>(length)};
}

std::optional<std::chrono::nanoseconds> parse_timeout(std::string_view text) {
  if (text.size() < 2 || text.size() > 9) return std::nullopt;
  const auto unit = std::ranges::find(kTimeUnits, text.back(), &TimeUnit::letter);
  if (unit == kTimeUnits.end()) return std::nullopt;
  text.remove_suffix(1);
  std::int64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc{} || end != text.data() + text.size() || count < 0) return std::nullopt;
  // Eight digits of hours are over what nanoseconds hold; such a caller has no deadline to speak of.
  if (count > std::chrono::nanoseconds::max() / unit->length) return std::chrono::nanoseconds::max();
  return unit->length * count;
}

std::string format_timeout(std::chrono::nanoseconds timeout) {
  timeout = std::max(timeout, std::chrono::nanoseconds(1));
  for (const TimeUnit& unit : kTimeUnits) {
    const std::int64_t count = timeout / unit.length + (timeout % unit.length != std::chrono::nanoseconds(0) ? 1 : 0);
    if (count <= kMaxTimeoutDigits) return std::to_string(count) + unit.letter;
  }
  return std::to_string(kMaxTimeoutDigits) + "H";
}

Status status_of(const HeaderList& trailers) {
  const auto text = trailers.find("grpc-status");
  int number = -1;
  if (text) std::from_chars(text->data(), text->data() + text->size(), number);
  if (number < 0) return {StatusCode::unknown, "the runtime ended the call without a grpc-status"};
  const auto message = trailers.find("grpc-message");
  return {static_cast<StatusCode>(number), message ? percent_decode(*message) : std::string()};
}

HeaderList response_headers() {
  HeaderList list;
  list.add(":status", "200");
  list.add("content-type", "application/grpc");
  return list;
}

HeaderList trailers_only_with(const HeaderList& trailers) {
  HeaderList list = response_headers();
  for (std::size_t i = 0; i < trailers.size(); ++i) {
    const HeaderList::Field field = trailers[i];
    list.add(field.name, field.value, field.never_index);
  }
  return list;
}

HeaderList trailers_only(const Status& status) {
  HeaderList list = response_headers();
  add_status(list, status);
  return list;
}

HeaderList status_trailers(const Status& status) {
  HeaderList list;
  add_status(list, status);
  return list;
}

StatusCode status_of_reset(std::uint32_t error_code, bool deadline_has_passed) {
  switch (error_code) {
    case NGHTTP2_REFUSED_STREAM:
      return StatusCode::unavailable;
    case NGHTTP2_CANCEL:
      return deadline_has_passed ? StatusCode::deadline_exceeded : StatusCode::cancelled;
    case NGHTTP2_ENHANCE_YOUR_CALM:
      return StatusCode::resource_exhausted;
    case NGHTTP2_INADEQUATE_SECURITY:
      return StatusCode::permission_denied;
    default:
      return StatusCode::internal;
  }
}

}  // namespace shim::http2
