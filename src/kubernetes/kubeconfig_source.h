// Where this node's kubeconfig or service account is. Blocks on the disk: for a worker.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "kubernetes/kubeconfig_access.h"

namespace shim::kubernetes {

// Either a service account or kubeconfig files.
struct KubeconfigSource {
  std::string service_account{};     // folder with `token` and `ca.crt`; empty: none
  std::string server{};              // of the service account
  std::vector<std::string> files{};  // absolute; merged, the first one wins

  // For messages.
  std::string name() const;
};

// The first of the places where there is something; whether that is of use is not looked at.
// Errors: there is nothing anywhere (the message names every place), or a place cannot be looked at.
Expected<KubeconfigSource> find_source(const Places& places);

}  // namespace shim::kubernetes
