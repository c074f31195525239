#include "cri/call_statistics.h"

#include <algorithm>
#include <chrono>

namespace shim::cri {
namespace {

using namespace std::chrono_literals;

// From an answer of the runtime's memory to a pull that takes its whole `timeout`.
constexpr std::array<DurationHistogram::Duration, 14> kBounds = {500us, 1ms, 2500us, 5ms, 10ms, 50ms, 250ms,
                                                                 500ms, 1s,  2500ms, 10s, 60s,  300s, 900s};

// Of both services, up to Kubernetes 1.36.
constexpr std::array<std::string_view, CallStatistics::kMethods> kNames = {
    "Attach",
    "CheckpointContainer",
    "ContainerStats",
    "ContainerStatus",
    "CreateContainer",
    "Exec",
    "ExecSync",
    "GetContainerEvents",
    "ImageFsInfo",
    "ImageStatus",
    "ListContainerStats",
    "ListContainers",
    "ListImages",
    "ListMetricDescriptors",
    "ListPodSandbox",
    "ListPodSandboxMetrics",
    "ListPodSandboxStats",
    "PodSandboxStats",
    "PodSandboxStatus",
    "PortForward",
    "PullImage",
    "RemoveContainer",
    "RemoveImage",
    "RemovePodSandbox",
    "ReopenContainerLog",
    "RunPodSandbox",
    "RuntimeConfig",
    "StartContainer",
    "Status",
    "StopContainer",
    "StopPodSandbox",
    "StreamContainerStats",
    "StreamContainers",
    "StreamImages",
    "StreamPodSandboxMetrics",
    "StreamPodSandboxStats",
    "StreamPodSandboxes",
    "UpdateContainerResources",
    "UpdatePodSandboxResources",
    "UpdateRuntimeConfig",
    "Version",
};
static_assert(std::ranges::is_sorted(kNames));

constexpr std::array<std::string_view, 17> kCodeNames = {
    "OK",        "CANCELLED",      "UNKNOWN",           "INVALID_ARGUMENT",   "DEADLINE_EXCEEDED",
    "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
    "ABORTED",   "OUT_OF_RANGE",   "UNIMPLEMENTED",     "INTERNAL",           "UNAVAILABLE",
    "DATA_LOSS", "UNAUTHENTICATED"};
constexpr std::string_view kOther = "other";

}  // namespace

CallStatistics::MethodNumber CallStatistics::number_of(std::string_view method) {
  const auto found = std::ranges::lower_bound(kNames, method);
  const bool is_known = found != kNames.end() && *found == method;
  return static_cast<MethodNumber>(is_known ? found - kNames.begin() : kMethods);
}

void CallStatistics::count(MethodNumber method, http2::StatusCode code, DurationHistogram::Duration duration) {
  const auto number = static_cast<std::size_t>(code);
  auto& durations = durations_[method][number < kCodes ? number : kCodes];
  if (!durations) durations = std::make_unique<DurationHistogram>(kBounds);
  durations->count(duration);
}

std::vector<CallStatistics::Series> CallStatistics::series() const {
  std::vector<Series> all;
  for (std::size_t method = 0; method <= kMethods; ++method) {
    for (std::size_t code = 0; code <= kCodes; ++code) {
      const auto& durations = durations_[method][code];
      if (!durations) continue;
      all.push_back({.method = method < kMethods ? kNames[method] : kOther,
                     .code = code < kCodes ? kCodeNames[code] : kOther,
                     .durations = *durations});
    }
  }
  return all;
}

}  // namespace shim::cri
