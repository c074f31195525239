// What the runtime was asked, for tests to look at. Thread-safe.
#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace fake_runtime {

// Times are CLOCK_MONOTONIC nanoseconds, which a test on the same machine can compare with its own; 0 is "not yet".
struct Record {
  int64_t id = 0;
  std::string method;
  std::string authority;
  std::vector<std::pair<std::string, std::string>> metadata;  // values of `-bin` keys in hex
  std::optional<int64_t> deadline_ms;                         // left when the call arrived
  std::string request;                                        // the first message, at most kRecordedBytes of it
  int64_t messages = 0;
  int64_t bytes = 0;
  int64_t received_ns = 0;
  int64_t cancelled_ns = 0;
  int64_t finished_ns = 0;
  int code = -1;  // -1 until the call was answered
};

constexpr size_t kRecordedBytes = 64 * 1024;

int64_t Now();
nlohmann::json ToJson(const Record& record);

class CallLog {
 public:
  // Returns the record's new ID.
  int64_t Begin(Record record);

  // Applies `change` to the record, if it is still kept.
  template <typename Change>
  void Update(int64_t id, Change change) {
    std::lock_guard lock(mutex_);
    if (records_.empty() || id < records_.front().id) return;
    change(records_[size_t(id - records_.front().id)]);
  }

  // Those after `after`, of one method unless `method` is empty, oldest first.
  std::vector<Record> Since(int64_t after, const std::string& method) const;

 private:
  static constexpr size_t kKept = 20'000;

  mutable std::mutex mutex_;
  std::deque<Record> records_;  // IDs are consecutive
  int64_t next_id_ = 1;
};

}  // namespace fake_runtime
