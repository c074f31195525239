// `GET /resolve?image=…&namespace=…`: which registry would serve an image, and why.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <string>

#include "base/error.h"
#include "image/reference.h"
#include "observe/router.h"
#include "registry/explanation.h"

namespace shim::observe {

// Registry::Resolver's explain(), of whichever Resolver is the current one; the second is the pod's namespace, or
// empty.
using Explain = std::function<boost::asio::awaitable<registry::Explanation>(image::Reference, std::string)>;

// What becomes of an image that is named like that. Where no registry is configured it says so. Errors: the name of no
// image, an image ID.
boost::asio::awaitable<Expected<registry::Explanation>> explain_image(std::string image, std::string pod_namespace,
                                                                      Explain explain);

// Answers 200 with the JSON of an Explanation, 400 for what explain_image() gives an error.
Handler resolve_endpoint(Explain explain);

}  // namespace shim::observe
