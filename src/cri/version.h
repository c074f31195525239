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

// What a runtime says of itself; empty where it does not.
struct RuntimeVersion {
  std::string name;           // `containerd`, `cri-o`, `docker`
  std::string version;        // `1.6.20`
  std::string api_version{};  // `v1`: of CRI
};
// Of a serialised VersionResponse.
RuntimeVersion read_version(const std::string& response);

}  // namespace shim::cri
