// What the log says of one PullImage: one line at its end, and a warning for each time that it went on to another
// source. docs/operations.md has the words and the JSON members, which operators rely on.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/log_line.h"
#include "cri/runtime.h"
#include "registry/outcome.h"

namespace shim::cri {

class PullLog {
 public:
  // One source that the runtime is asked to pull from.
  struct Source {
    std::string registry;         // as configured; the reference's own host for the original
    std::string name;             // what the runtime pulls
    std::optional<int> priority;  // nothing for the original: it comes last
  };

  // The pull begins now. Both are the caller's words and may be hostile.
  PullLog(std::string_view image, std::string_view pod_namespace);
  PullLog(const PullLog&) = delete;
  PullLog& operator=(const PullLog&) = delete;
  // A pull whose end was not told was cancelled.
  ~PullLog();

  void attempt_begins(Source source);
  void attempt_failed(const http2::Status& status);
  // From the last source. `outcomes` are those of the resolution: why others were passed over.
  void pulled(const std::vector<registry::Outcome>& outcomes);
  // `status` is what the caller gets, which names every source and why.
  void failed(const http2::Status& status, const std::vector<registry::Outcome>& outcomes);
  // A pull that the shim has no say in, and why that is: `no registry is configured`.
  void forwarded(std::string_view why, const Reply& reply);

 private:
  void tell_cancelled() const;
  // ` duration=1.2s attempts=2`.
  std::string measured() const;
  // What all ends have: who asked for what, and how it ended.
  LogFields fields(std::string_view outcome) const;
  std::chrono::nanoseconds elapsed() const;

  const std::string image_;
  const std::string pod_namespace_;
  const std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
  std::int64_t attempts_ = 0;
  std::optional<Source> source_;       // of the last attempt
  std::optional<std::string> failed_;  // how the last attempt failed, until the next one begins
  bool has_ended_ = false;
};

}  // namespace shim::cri
