// `GET /config`: the configuration in use, each value with where it came from.
#pragma once

#include <functional>

#include "base/worker_pool.h"
#include "config/origins.h"
#include "observe/router.h"

namespace shim::observe {

// The configuration in use now. Called on the I/O thread.
using ReadConfig = std::function<config::InUse()>;

// Answers 200 with the JSON of a ConfigReport. `workers` must outlive the handler and its answers.
Handler config_endpoint(WorkerPool& workers, ReadConfig read);

}  // namespace shim::observe
