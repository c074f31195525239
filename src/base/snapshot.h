// An immutable whole that is replaced at once: readers never see half a reload.
//
// A reader takes the value that is current and keeps it alive for as long as it holds the pointer; a call in flight so
// finishes on the configuration that it began with. Any thread may read and publish. The mutex is held for the copy of
// one pointer; std::atomic<std::shared_ptr> of GCC 12 is a spinning lock as well, and one that ThreadSanitizer cannot
// see through.
#pragma once

#include <cassert>
#include <memory>
#include <mutex>
#include <utility>

namespace shim {

template <class T>
class Snapshot {
 public:
  // REQUIRES: first is not null.
  explicit Snapshot(std::shared_ptr<const T> first) : current_(std::move(first)) { assert(current_ != nullptr); }
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;

  // The value published last; never null.
  std::shared_ptr<const T> read() const {
    const std::lock_guard lock(mutex_);
    return current_;
  }

  // REQUIRES: next is not null. The value before is destroyed by whoever drops it last, never under the lock.
  void publish(std::shared_ptr<const T> next) {
    assert(next != nullptr);
    const std::lock_guard lock(mutex_);
    current_.swap(next);
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const T> current_;  // guarded by mutex_
};

}  // namespace shim
