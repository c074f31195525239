// What stands below a name in a kubeconfig's lists. Pure.
#pragma once

#include <string>
#include <string_view>

#include "kubernetes/kubeconfig.h"
#include "kubernetes/kubeconfig_part.h"

namespace shim::kubernetes {

// What is wrong with them is reported to where `part` reports to. `folder` is the file's, for relative paths.
Cluster read_cluster(const KubeconfigPart& part, std::string_view folder);
User read_user(const KubeconfigPart& part, std::string_view folder);

// `node` as JSON. Plain scalars are what they look like (true, 12, 1.5), quoted ones are text.
std::string to_json(const config::Node& node);

}  // namespace shim::kubernetes
