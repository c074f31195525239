// Under which name the runtime has an image, without touching the network.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>

#include "cri/call.h"
#include "cri/image_calls.pb.h"
#include "cri/runtime.h"
#include "image/reference.h"

namespace shim::cri {

struct Lookup {
  Reply reply;                   // of the ImageStatus that found it; of the first one where none did
  wire::ImageStatusResponse status;  // parsed from it
  std::string name;              // that was asked with it

  bool is_found() const { return reply.is_ok() && status.has_image(); }
};

// Asks for the remembered name, else for the original one; on a miss, for the names that the matching registries would
// have given it, concurrently, and takes the best. `request` is sent with its image's name replaced. A runtime that
// fails the question ends the search with its reply.
boost::asio::awaitable<Lookup> look_up(const Call& call, const image::Reference& reference,
                                       wire::ImageStatusRequest request);

}  // namespace shim::cri
