// Finds the kubeconfig or the service account of this node, and keeps its credentials fresh.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/worker_pool.h"
#include "config/environment.h"
#include "kubernetes/access.h"
#include "kubernetes/exec_plugin.h"

namespace shim::kubernetes {

struct Places {
  std::string kubeconfig{};  // `configMap.kubeconfig`: this file and no other; empty: as below
  std::string service_account = "/var/run/secrets/kubernetes.io/serviceaccount";
  // After the service account and `$KUBECONFIG`, the first that exists; then `$HOME/.kube/config` (root's without
  // HOME).
  std::vector<std::string> files = {"/etc/kubernetes/admin.conf", "/etc/kubernetes/kubelet.conf",
                                    "/etc/rancher/k3s/k3s.yaml"};
  config::Environment environment = config::process_environment();
};

struct AccessOptions {
  std::chrono::milliseconds file_timeout{10'000};  // of one look at the files: a file server may be dead
  std::chrono::milliseconds exec_timeout{30'000};  // of one run of an exec plugin
  Clocks clocks{};
};

// Blocks on the disk: for a worker. `workers` must outlive the Access and what it runs.
// Errors: there is none (the message names every place looked at); the one found is not valid, or asks for what this
// client does not know (the message names the file and the key).
Expected<std::shared_ptr<Access>> open_access(const Places& places, WorkerPool& workers, AccessOptions options = {});

}  // namespace shim::kubernetes
