// The log lines about the configuration that operators grep for, word for word. Pure; no line holds a password.
#pragma once

#include <string>
#include <vector>

#include "config/config.h"

namespace shim::config {

// At start, one a value: `shim-socket: /var/run/image-cri-shim.sock` … `CRIVersion: v1`. The lines about the offline
// registry (`hub-address:`, `RegistryDomain:`, `Username:`) are left out where there is none.
std::vector<std::string> startup_lines(const Config& config);

// For every configuration that comes into use: `config: processing N configured registries` (the entries of
// `registries`), then one line for each, counted from 1, and one for the offline registry.
std::vector<std::string> registry_lines(const Config& config);

}  // namespace shim::config
