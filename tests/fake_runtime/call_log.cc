#include "call_log.h"

#include <chrono>

#include "behaviour.h"

namespace fake_runtime {

int64_t Now() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

nlohmann::json ToJson(const Record& record) {
  return {
      {"id", record.id},
      {"method", record.method},
      {"authority", record.authority},
      {"metadata", record.metadata},
      {"deadline_ms", record.deadline_ms ? nlohmann::json(*record.deadline_ms) : nlohmann::json()},
      {"request", ToHex(record.request)},
      {"messages", record.messages},
      {"bytes", record.bytes},
      {"received_ns", record.received_ns},
      {"cancelled_ns", record.cancelled_ns},
      {"finished_ns", record.finished_ns},
      {"code", record.code},
  };
}

int64_t CallLog::Begin(Record record) {
  std::lock_guard lock(mutex_);
  record.id = next_id_++;
  records_.push_back(std::move(record));
  if (records_.size() > kKept) records_.pop_front();
  return records_.back().id;
}

std::vector<Record> CallLog::Since(int64_t after, const std::string& method) const {
  std::lock_guard lock(mutex_);
  std::vector<Record> found;
  for (const auto& record : records_) {
    if (record.id > after && (method.empty() || record.method == method)) found.push_back(record);
  }
  return found;
}

}  // namespace fake_runtime
