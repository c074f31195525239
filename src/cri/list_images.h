// ListImages, and the filter that it shares with StreamImages.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>

#include "cri/call.h"
#include "cri/runtime.h"

namespace shim::cri {

boost::asio::awaitable<Reply> list_images(Call call, std::string message);
// The request of ListImages or StreamImages with the name in its filter translated.
boost::asio::awaitable<std::string> with_filter_translated(Call call, std::string message);

}  // namespace shim::cri
