// How the calls of clients have ended and how long they took, by method and code, and what was passed through. Plain
// numbers, on the I/O thread. A client's spelling makes no series: methods that CRI does not have are one, `other`, and
// so are codes that gRPC does not define.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/duration_histogram.h"
#include "http2/grpc.h"

namespace shim::cri {

class CallStatistics {
 public:
  static constexpr std::size_t kMethods = 41;  // and one more for `other`
  using MethodNumber = std::uint8_t;

  // Of `PullImage`.
  static MethodNumber number_of(std::string_view method);

  void count(MethodNumber method, http2::StatusCode code, DurationHistogram::Duration duration);

  struct Series {
    std::string_view method;
    std::string_view code;  // `OK`, `NOT_FOUND`
    const DurationHistogram& durations;
  };
  // One for each method and code that there were calls of; borrowed.
  std::vector<Series> series() const;

  // The messages of calls that were passed through, with their prefixes.
  std::uint64_t octets_to_runtime = 0;
  std::uint64_t octets_to_client = 0;

 private:
  static constexpr std::size_t kCodes = static_cast<std::size_t>(http2::StatusCode::unauthenticated) + 1;

  // By method and code, made with the first such call.
  std::array<std::array<std::unique_ptr<DurationHistogram>, kCodes + 1>, kMethods + 1> durations_{};
};

}  // namespace shim::cri
