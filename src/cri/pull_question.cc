#include "cri/pull_question.h"

#include "cri/image_calls.pb.h"

namespace shim::cri {

std::string pull_image_question(const PullQuestion& question) {
  wire::PullImageRequest request;
  request.mutable_image()->set_image(question.image);
  if (!question.username.empty()) {
    request.mutable_auth()->set_username(question.username);
    request.mutable_auth()->set_password(std::string(question.password.reveal()));
  }
  if (!question.pod_namespace.empty()) {
    request.mutable_sandbox_config()->mutable_metadata()->set_namespace_(question.pod_namespace);
  }
  return request.SerializeAsString();
}

std::string pulled_reference(const std::string& response) {
  wire::PullImageResponse pulled;
  return pulled.ParseFromString(response) ? pulled.image_ref() : std::string();
}

std::string image_id_in_status(const std::string& response) {
  wire::ImageStatusResponse status;
  return status.ParseFromString(response) ? status.image().id() : std::string();
}

}  // namespace shim::cri
