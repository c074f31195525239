// One watch as it arrives: pieces in, what they say of the ConfigMap out. No I/O, no clock of its own.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "kubernetes/api_object.h"
#include "kubernetes/config_map_watch.h"
#include "kubernetes/frame_splitter.h"

namespace shim::kubernetes {

class WatchStream {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  // `wanted` is borrowed.
  explicit WatchStream(const ConfigMapKey& wanted) : wanted_(wanted) {}

  // The first piece is empty: the head of the answer has come. False where there is no use in going on: status() or
  // error() says why.
  bool add(std::string_view piece, TimePoint now);
  // It has ended well: what is left is a frame.
  bool end();

  // Since the head; 0: none came.
  std::chrono::milliseconds lasted(TimePoint now) const;
  // What it said last, once.
  std::optional<Sight> take_sight() { return std::exchange(sight_, std::nullopt); }
  // Of the last event; empty: none came.
  const std::string& resource_version() const { return resource_version_; }
  bool has_failed() const { return status_ || !error_.empty(); }
  bool had_bookmark() const { return had_bookmark_; }
  const std::optional<Status>& status() const { return status_; }  // the error that the server sent
  const std::string& error() const { return error_; }              // or what is wrong with what it sent: one clause

 private:
  bool take(std::string_view frame);

  const ConfigMapKey& wanted_;
  FrameSplitter splitter_;
  std::optional<TimePoint> begun_;
  std::optional<Sight> sight_;
  std::string resource_version_;
  bool had_bookmark_ = false;
  std::optional<Status> status_;
  std::string error_;
};

}  // namespace shim::kubernetes
