#include "runtime.h"

#include <optional>

namespace fake_runtime {
namespace {

// `/runtime.v1.ImageService/ListImages`.
struct Method {
  std::string_view version;  // empty: no CRI package
  std::string_view service;
  std::string_view name;
  std::string_view full_service;
};

Method Parse(std::string_view path) {
  Method method;
  if (path.starts_with('/')) path.remove_prefix(1);
  const auto slash = path.find('/');
  method.full_service = path.substr(0, slash);
  if (slash != std::string_view::npos) method.name = path.substr(slash + 1);
  constexpr std::string_view kPackage = "runtime.";
  const auto dot = method.full_service.rfind('.');
  if (method.full_service.starts_with(kPackage) && dot != std::string_view::npos && dot >= kPackage.size()) {
    method.version = method.full_service.substr(kPackage.size(), dot - kPackage.size());
    method.service = method.full_service.substr(dot + 1);
  }
  return method;
}

// The words are grpc-go's, which the runtimes use.
Answer UnknownService(const Method& method) {
  return {{grpc::StatusCode::UNIMPLEMENTED, "unknown service " + std::string(method.full_service)}, {}};
}

Answer UnknownMethod(const Method& method) {
  return {{grpc::StatusCode::UNIMPLEMENTED,
           "unknown method " + std::string(method.name) + " for service " + std::string(method.full_service)},
          {}};
}

Answer Reply(const google::protobuf::MessageLite& message) {
  return {grpc::Status::OK, {message.SerializeAsString()}};
}

template <typename Request>
std::optional<Request> ParseRequest(const std::string& bytes) {
  Request request;
  if (!request.ParseFromString(bytes)) return std::nullopt;
  return request;
}

Answer Malformed() {
  return {{grpc::StatusCode::INTERNAL, "grpc: error unmarshalling request"}, {}};
}

Answer Version(std::string_view dialect, const Identity& identity) {
  cri::VersionResponse response;
  response.set_version("0.1.0");
  response.set_runtime_name(identity.name);
  response.set_runtime_version(identity.version);
  response.set_runtime_api_version(std::string(dialect));
  return Reply(response);
}

Answer Status(const cri::StatusRequest& request, const Identity& identity) {
  cri::StatusResponse response;
  if (request.verbose()) response.mutable_info()->insert(identity.info.begin(), identity.info.end());
  return Reply(response);
}

Answer ImageFsInfo() {
  cri::ImageFsInfoResponse response;
  auto* filesystem = response.add_image_filesystems();
  filesystem->set_timestamp(1);
  filesystem->mutable_fs_id()->set_mountpoint("/var/lib/fake-runtime");
  filesystem->mutable_used_bytes()->set_value(4096);
  return Reply(response);
}

}  // namespace

Behaviour Runtime::BehaviourOf(const std::string& method) const {
  std::lock_guard lock(mutex_);
  const auto found = behaviours_.find(method);
  return found == behaviours_.end() ? Behaviour{} : found->second;
}

Behaviour Runtime::BehaviourOf(const std::string& method, const std::string& request) {
  std::lock_guard lock(mutex_);
  if (const auto found = behaviours_.find(method); found != behaviours_.end()) return found->second;
  const Method parsed = Parse(method);
  if (!Serves(parsed.version, parsed.service) || parsed.name != "PullImage") return {};

  const auto pull = ParseRequest<cri::PullImageRequest>(request);
  const auto found = pull ? pulls_.find(pull->image().image()) : pulls_.end();
  if (found == pulls_.end()) return {};
  const Behaviour outcome = found->second.front();
  if (found->second.size() > 1) found->second.pop_front();
  return outcome;
}

Answer Runtime::AnswerTo(const std::string& path, const std::string& bytes, const Behaviour& behaviour) {
  std::lock_guard lock(mutex_);
  const Method method = Parse(path);
  if (!Serves(method.version, method.service)) return UnknownService(method);
  if (Lacks(method.version, std::string(method.service) + "/" + std::string(method.name))) return UnknownMethod(method);

  if (method.service == "RuntimeService") {
    if (method.name == "Version") return Version(method.version, identity_);
    if (method.name == "Status" && !identity_.info.empty()) {
      const auto request = ParseRequest<cri::StatusRequest>(bytes);
      return request ? Status(*request, identity_) : Malformed();
    }
    if (method.name != "CreateContainer") return UnknownMethod(method);
    const auto request = ParseRequest<cri::CreateContainerRequest>(bytes);
    if (!request) return Malformed();
    std::vector<std::string> names = {request->config().image().image()};
    for (const auto& mount : request->config().mounts()) {
      if (mount.has_image()) names.push_back(mount.image().image());
    }
    for (const auto& name : names) {
      if (!images_.Find(name)) {
        return {{grpc::StatusCode::UNKNOWN, "failed to resolve image \"" + name + "\": not found"}, {}};
      }
    }
    cri::CreateContainerResponse response;
    response.set_container_id("container-" + std::to_string(++containers_));
    return Reply(response);
  }

  if (method.name == "ImageFsInfo") return ImageFsInfo();
  if (method.name == "ListImages") {
    const auto request = ParseRequest<cri::ListImagesRequest>(bytes);
    if (!request) return Malformed();
    cri::ListImagesResponse response;
    for (auto& image : images_.List(request->filter().image().image())) *response.add_images() = std::move(image);
    return Reply(response);
  }
  if (method.name == "StreamImages" && method.version == "v1") {
    const auto request = ParseRequest<cri::ListImagesRequest>(bytes);
    if (!request) return Malformed();
    Answer answer;
    for (auto& image : images_.List(request->filter().image().image())) {
      cri::ListImagesResponse response;
      *response.add_images() = std::move(image);
      answer.messages.push_back(response.SerializeAsString());
    }
    return answer;
  }
  if (method.name == "ImageStatus") {
    const auto request = ParseRequest<cri::ImageStatusRequest>(bytes);
    if (!request) return Malformed();
    cri::ImageStatusResponse response;
    if (auto image = images_.Find(request->image().image())) {
      *response.mutable_image() = std::move(*image);
      if (request->verbose()) (*response.mutable_info())["info"] = "{}";
    }
    return Reply(response);
  }
  if (method.name == "RemoveImage") {
    const auto request = ParseRequest<cri::RemoveImageRequest>(bytes);
    if (!request) return Malformed();
    images_.Remove(request->image().image());
    return Reply(cri::RemoveImageResponse());
  }
  if (method.name == "PullImage") {
    const auto request = ParseRequest<cri::PullImageRequest>(bytes);
    if (!request) return Malformed();
    const std::string& name = request->image().image();
    if (behaviour.image_id.empty()) {
      return {{grpc::StatusCode::NOT_FOUND, "failed to pull and unpack image \"" + Normalised(name) +
                                                "\": failed to resolve reference: " + Normalised(name) + ": not found"},
              {}};
    }
    images_.Add(name, behaviour.image_id, behaviour.digest.empty() ? behaviour.image_id : behaviour.digest);
    cri::PullImageResponse response;
    response.set_image_ref(behaviour.image_id);
    return Reply(response);
  }
  return UnknownMethod(method);
}

void Runtime::Hold(Held& call) {
  std::lock_guard lock(mutex_);
  held_.insert(&call);
}

bool Runtime::Forget(Held& call) {
  std::lock_guard lock(mutex_);
  return held_.erase(&call) > 0;
}

int Runtime::Release(const std::string& method) {
  std::vector<Held*> released;
  {
    std::lock_guard lock(mutex_);
    for (Held* call : held_) {
      if (method.empty() || call->method() == method) released.push_back(call);
    }
    for (Held* call : released) held_.erase(call);
  }
  // Taken out of held_, a call is this thread's alone: it ends only after Proceed.
  for (Held* call : released) call->Proceed();
  return int(released.size());
}

void Runtime::SetBehaviour(const std::string& method, const Behaviour& behaviour) {
  std::lock_guard lock(mutex_);
  behaviours_[method] = behaviour;
}

void Runtime::SetPulls(const std::string& name, std::deque<Behaviour> outcomes) {
  std::lock_guard lock(mutex_);
  pulls_.erase(name);
  if (!outcomes.empty()) pulls_[name] = std::move(outcomes);
}

void Runtime::SetIdentity(Identity identity) {
  std::lock_guard lock(mutex_);
  identity_ = std::move(identity);
}

void Runtime::SetImages(std::vector<cri::Image> images) {
  std::lock_guard lock(mutex_);
  images_.Replace(std::move(images));
}

std::vector<cri::Image> Runtime::Images() const {
  std::lock_guard lock(mutex_);
  return images_.List("");
}

bool Runtime::Serves(std::string_view version, std::string_view service) const {
  return options_.versions.contains(std::string(version)) && options_.services.contains(std::string(service)) &&
         !Lacks(version, service);
}

bool Runtime::Lacks(std::string_view version, std::string_view service_or_method) const {
  return options_.without.contains(std::string(version) + "." + std::string(service_or_method));
}

}  // namespace fake_runtime
