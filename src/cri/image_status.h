// ImageStatus and RemoveImage: the calls about one image that the runtime may know under another name. Neither touches
// the network.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>

#include "cri/call.h"
#include "cri/runtime.h"

namespace shim::cri {

boost::asio::awaitable<Reply> image_status(Call call, std::string message);
boost::asio::awaitable<Reply> remove_image(Call call, std::string message);

}  // namespace shim::cri
