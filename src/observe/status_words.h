// The words for a Status that the page and the command `status` have in common. Pure.
#pragma once

#include <chrono>
#include <string>

#include "observe/status.h"

namespace shim::observe {

// As exact as anybody needs it: `<1ms`, `150ms`, `1.2s`, `12s`, `5m`, `3h`, `2d`.
std::string short_duration(std::chrono::milliseconds duration);
// `12s ago`; `now` for what lies in the future.
std::string age(Status::Time time, Status::Time now);
// `0.84ms`, `12ms`.
std::string latency_text(std::chrono::microseconds latency);

// `well`, `left out`, `failing`, `not asked yet`.
std::string state_text(Status::Registry::State state);
// What is known of a registry that is not well: `connection refused; for 12s, next check in 3s`; empty where it is.
std::string reason_text(const Status::Registry& registry);
// `503 Service Unavailable (2m ago)`; empty where there was none.
std::string last_failure_text(const Status::Registry& registry, Status::Time now);

// `containerd 1.7.24, CRI v1`, or that it does not answer.
std::string runtime_text(const Status::Runtime& runtime);
// `3 of 1024 images, 9 hits, 4 misses (69 %)`.
std::string cache_text(const Status::Cache& cache);
// What is pulled from the images' own registries.
std::string original_text(const Status::Original& original);
// `kube-system/image-cri-shim: followed, seen 12s ago`.
std::string config_map_text(const Status::ConfigMap& map, Status::Time now);
// `all is well`, `1 thing needs attention`.
std::string conclusion(const std::vector<Concern>& concerns);

}  // namespace shim::observe
