// RuntimeService/Status and ImageService/ImageStatus, as `check` asks them.
#pragma once

#include <string>

namespace shim::cri {

// A serialised StatusRequest that asks for details.
std::string verbose_status_question();
// `info["config"]` of a serialised StatusResponse: the runtime's configuration in a form of its own; empty where there
// is none.
std::string config_in_status(const std::string& response);

// A serialised ImageStatusRequest.
std::string image_status_question(const std::string& image);
// Whether a serialised ImageStatusResponse has an image in it.
bool has_image(const std::string& response);

}  // namespace shim::cri
