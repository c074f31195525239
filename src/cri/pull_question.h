// ImageService/PullImage and ImageStatus, as the command `pull` asks them in a kubelet's place.
#pragma once

#include <string>

#include "base/secret.h"

namespace shim::cri {

struct PullQuestion {
  std::string image;
  std::string pod_namespace;  // empty: no sandbox_config
  std::string username;       // empty: no credentials
  Secret password;
};
// A serialised PullImageRequest.
std::string pull_image_question(const PullQuestion& question);
// `image_ref` of a serialised PullImageResponse: with most runtimes the image's ID.
std::string pulled_reference(const std::string& response);
// The ID in a serialised ImageStatusResponse; empty where the image is not there.
std::string image_id_in_status(const std::string& response);

}  // namespace shim::cri
