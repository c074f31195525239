// `GET /livez`, `GET /readyz`: whether this process works, and whether it can do its work. In the form of Kubernetes'
// own components.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <string>
#include <vector>

#include "observe/router.h"

namespace shim::observe {

struct Condition {
  enum class Kind {
    good,
    degraded,  // it works, but not as it was told to
    failed,
  };
  std::string name;  // `runtime`
  Kind kind = Kind::good;
  std::string reason;  // one line, of what is not good
};

// Asked for each request; ends soon.
using FindConditions = std::function<boost::asio::awaitable<std::vector<Condition>>()>;

// 200 `ok`: whoever reads it has seen the I/O thread at work.
Handler livez_endpoint();

// The worst of the conditions is the first line: `ok` or `degraded` with 200, `failed` with 503. Below it what is not
// good, `[-]runtime: why` or `[!]configuration: why`; with the parameter `verbose` what is good as well, `[+]runtime`.
Handler readyz_endpoint(FindConditions find);

}  // namespace shim::observe
