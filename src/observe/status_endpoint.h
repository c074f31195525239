// `GET /status`, for programs, and `GET /`, for people: what the shim knows of itself and its surroundings.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>

#include "base/worker_pool.h"
#include "observe/config_endpoint.h"
#include "observe/router.h"
#include "observe/status.h"

namespace shim::observe {

// Asked for each request, on the I/O thread; ends soon.
using FindStatus = std::function<boost::asio::awaitable<Status>()>;

// Of a thousand registries an answer is a megabyte: both are written by `workers`, which must outlive the handlers and
// their answers.

// Answers 200 with the JSON of a Status.
Handler status_endpoint(WorkerPool& workers, FindStatus find);

// Answers 200 with the page, whatever is wrong; with the parameter `pause`, one that does not refresh itself.
Handler page_endpoint(WorkerPool& workers, FindStatus find, ReadConfig read);

}  // namespace shim::observe
