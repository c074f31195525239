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
  Reply reply;       // of the ImageStatus that found it; of the first one that the runtime answered where none did
  std::string name;  // that was asked with it
  bool is_found = false;
};

// Asks for the remembered name, else for the original one; on a miss, for the names that the matching registries would
// have given it, concurrently, and takes the best. `question` is a serialised ImageStatusRequest that names the image
// as `reference` is written; it is sent with that name replaced. A runtime that fails the question ends the search
// with its reply, but where it may only not know whose image a name without a host is (CRI-O) and a registry matches:
// then the other names, and the canonical one, decide. What is found under another name is remembered so, whoever has
// pulled or imported it, and however it is spelled this time; a remembered name that the runtime no longer has is
// forgotten for what is found instead.
boost::asio::awaitable<Lookup> look_up(const Call& call, const image::Reference& reference, std::string question);
// The question for an image that another call names.
std::string question_about(const wire::ImageSpec& image);

// The image in the reply of a lookup that found it.
wire::Image image_in(const Lookup& lookup);

}  // namespace shim::cri
