// The effective configuration as a file: every key with the value that is used, defaults included. Pure.
//
// What it prints is parsed again to a Config that does the same and prints the same, but for secrets: a password and an
// identity token are printed as `(set)`. Keys that have no default (`auth`, `exclude`, `tls` …) are left out where
// unset.
#pragma once

#include <string>

#include "config/config.h"

namespace shim::config {

std::string print(const Config& config);

}  // namespace shim::config
