#include "kubernetes/watch_stream.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/units.h"

namespace shim::kubernetes {

bool WatchStream::add(std::string_view piece, TimePoint now) {
  if (!begun_) begun_ = now;
  if (!splitter_.add(piece)) {
    error_ = fmt::format("an event of more than {} bytes", format_size(FrameSplitter::kMaxFrameBytes));
    return false;
  }
  while (const auto frame = splitter_.next()) {
    if (!take(*frame)) return false;
  }
  return true;
}

bool WatchStream::end() {
  const std::string_view rest = splitter_.rest();
  const bool is_blank = rest.find_first_not_of(" \t\r\n") == std::string_view::npos;
  return is_blank || take(rest);
}

std::chrono::milliseconds WatchStream::lasted(TimePoint now) const {
  if (!begun_) return std::chrono::milliseconds(0);
  return std::max(std::chrono::milliseconds(1), std::chrono::duration_cast<std::chrono::milliseconds>(now - *begun_));
}

bool WatchStream::take(std::string_view frame) {
  auto event = parse_event(frame, wanted_);
  if (!event) {
    error_ = std::move(event.error().message);
    return false;
  }
  if (event->kind == Event::Kind::error) {
    status_ = std::move(event->status);
    return false;
  }
  resource_version_ = event->config_map.resource_version;
  if (event->kind == Event::Kind::bookmark) had_bookmark_ = true;
  if (event->kind == Event::Kind::deleted) sight_ = Absent{};
  if (event->kind == Event::Kind::present) sight_ = Present{std::move(event->config_map.text), resource_version_};
  return true;
}

}  // namespace shim::kubernetes
