// For tests: a Status with something in each of its fields.
#pragma once

#include "observe/status.h"

namespace shim::observe {

inline Status status_where_all_is_well() {
  using namespace std::chrono_literals;
  const Status::Time now{1'800'000'000s};
  Status status;
  status.time = now;
  status.shim = {
      .node = "node-1", .version = "1.2.3", .pid = 4711, .uptime = 3h, .socket = "/run/shim.sock", .is_serving = true};
  status.runtime = {
      .socket = "/run/runtime.sock", .name = "containerd", .version = "1.7.24", .cri_version = "v1", .problem = {}};
  status.registries = {{.address = "http://sealos.hub:5000",
                        .host = "sealos.hub:5000",
                        .priority = 1000,
                        .is_offline = true,
                        .state = Status::Registry::State::well,
                        .reason = {},
                        .open_for = {},
                        .next_check = {},
                        .latency = 840us,
                        .pulls_succeeded = 12,
                        .pulls_failed = 1,
                        .last_failure = "503 Service Unavailable",
                        .failed_at = now - 2min}};
  status.original = {.is_denied = false, .pulls_succeeded = 3, .pulls_failed = 0};
  status.cache = {.references = 3, .capacity = 1024, .hits = 9, .misses = 3, .evictions = 0};
  status.names_remembered = 12;
  status.decisions = {{.time = now - 12s,
                       .image = "nginx:1.25",
                       .pod_namespace = "team-a",
                       .is_pulled = true,
                       .source = "http://sealos.hub:5000",
                       .name = "sealos.hub:5000/library/nginx:1.25",
                       .priority = 1000,
                       .why = "priority 1000, has it",
                       .attempts = 1,
                       .duration = 1200ms},
                      {.time = now - 1h,
                       .image = "ghcr.io/org/gone:1",
                       .pod_namespace = {},
                       .is_pulled = false,
                       .source = {},
                       .name = {},
                       .priority = {},
                       .why = "cannot pull ghcr.io/org/gone:1: http://sealos.hub:5000: 404 Not Found",
                       .attempts = 0,
                       .duration = 15ms}};
  status.configuration = {.file = "/etc/image-cri-shim.yaml",
                          .used_since = now - 3h,
                          .problem = {},
                          .config_map = {.name = "kube-system/image-cri-shim",
                                         .state = Status::ConfigMap::State::following,
                                         .server = "https://10.0.0.1:6443",
                                         .reason = {},
                                         .last_seen = now - 5s,
                                         .problem = {}}};
  return status;
}

}  // namespace shim::observe
