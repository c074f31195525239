// RuntimeService/Version for a caller whose dialect the runtime does not speak.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>
#include <string_view>

#include "cri/runtime.h"

namespace shim::cri {

// The runtime's answer with `runtime_api_version` set to the caller's dialect (`v1`, `v1alpha2`).
boost::asio::awaitable<Reply> call_version(const Caller& caller, std::string message, Runtime& runtime,
                                           std::string_view api_version);

}  // namespace shim::cri
