// One call of a client, from its headers to its status: counted once, when it ends.
#pragma once

#include <chrono>
#include <string_view>
#include <utility>

#include "cri/call_statistics.h"
#include "http2/grpc.h"

namespace shim::proxy {

class CallRecord {
 public:
  // `method` as the client spelled it; `statistics` outlives the record.
  CallRecord(cri::CallStatistics& statistics, std::string_view method)
      : statistics_(&statistics), method_(cri::CallStatistics::number_of(method)) {}
  CallRecord(CallRecord&& other) noexcept
      : statistics_(std::exchange(other.statistics_, nullptr)), method_(other.method_), began_(other.began_) {}
  CallRecord& operator=(CallRecord&&) = delete;
  // The client is gone.
  ~CallRecord() { end(http2::StatusCode::cancelled); }

  // What the client is told, or would have been; only the first one counts.
  void end(http2::StatusCode code) {
    if (auto* statistics = std::exchange(statistics_, nullptr)) {
      statistics->count(method_, code, Clock::now() - began_);
    }
  }

 private:
  using Clock = std::chrono::steady_clock;

  cri::CallStatistics* statistics_;  // null once it has been counted
  cri::CallStatistics::MethodNumber method_;
  Clock::time_point began_ = Clock::now();
};

}  // namespace shim::proxy
