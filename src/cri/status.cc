#include "cri/status.h"

#include "cri/image_calls.pb.h"

namespace shim::cri {

std::string verbose_status_question() {
  wire::StatusRequest request;
  request.set_verbose(true);
  return request.SerializeAsString();
}

std::string config_in_status(const std::string& response) {
  wire::StatusResponse status;
  if (!status.ParseFromString(response)) return {};
  const auto found = status.info().find("config");
  return found == status.info().end() ? std::string() : found->second;
}

std::string image_status_question(const std::string& image) {
  wire::ImageStatusRequest request;
  request.mutable_image()->set_image(image);
  return request.SerializeAsString();
}

bool has_image(const std::string& response) {
  wire::ImageStatusResponse status;
  return status.ParseFromString(response) && !status.image().id().empty();
}

}  // namespace shim::cri
