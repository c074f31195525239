// CreateContainer with an image name: `crictl run` names images as users do, while the kubelet passes IDs.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>

#include "cri/call.h"
#include "cri/runtime.h"

namespace shim::cri {

// Names that the runtime has under another one are translated, in `config.image` and in the mounts' images.
boost::asio::awaitable<Reply> create_container(Call call, std::string message);

}  // namespace shim::cri
