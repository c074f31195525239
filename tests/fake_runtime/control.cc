#include "control.h"

#include <unistd.h>

namespace fake_runtime {
namespace {

using nlohmann::json;

cri::Image ParseImage(const json& description) {
  cri::Image image;
  image.set_id(description.at("id"));
  for (const std::string& tag : description.value("tags", std::vector<std::string>{})) image.add_repo_tags(tag);
  for (const std::string& digest : description.value("digests", std::vector<std::string>{})) {
    image.add_repo_digests(digest);
  }
  image.set_size(description.value("size", uint64_t{4096}));
  return image;
}

json Describe(const cri::Image& image) {
  return {{"id", image.id()},
          {"tags", std::vector<std::string>(image.repo_tags().begin(), image.repo_tags().end())},
          {"digests", std::vector<std::string>(image.repo_digests().begin(), image.repo_digests().end())},
          {"size", image.size()}};
}

json Run(Runtime& runtime, std::string_view command, const json& request) {
  if (command == "SetImages") {
    std::vector<cri::Image> images;
    for (const auto& description : request.at("images")) images.push_back(ParseImage(description));
    runtime.SetImages(std::move(images));
  } else if (command == "SetIdentity") {
    runtime.SetIdentity({request.at("name"), request.at("version"), request.at("info")});
  } else if (command == "SetPull") {
    std::deque<Behaviour> outcomes;
    for (const auto& outcome : request.at("outcomes")) outcomes.push_back(ParseBehaviour(outcome));
    runtime.SetPulls(request.at("name"), std::move(outcomes));
  } else if (command == "SetBehaviour") {
    runtime.SetBehaviour(request.at("method"), ParseBehaviour(request.at("behaviour")));
  } else if (command == "Images") {
    json images = json::array();
    for (const auto& image : runtime.Images()) images.push_back(Describe(image));
    return {{"images", images}};
  } else if (command == "Calls") {
    json calls = json::array();
    for (const auto& record : runtime.log().Since(request.value("after", 0), request.value("method", ""))) {
      calls.push_back(ToJson(record));
    }
    return {{"calls", calls}};
  } else if (command == "Release") {
    return {{"released", runtime.Release(request.value("method", ""))}};
  } else if (command == "Crash") {
    _exit(1);
  } else {
    throw std::invalid_argument("no command is named " + std::string(command));
  }
  return json::object();
}

class Command final : public grpc::ServerGenericBidiReactor {
 public:
  Command(Runtime& runtime, const std::string& path) : runtime_(runtime), name_(path.substr(path.rfind('/') + 1)) {
    StartRead(&message_);
  }

  void OnReadDone(bool ok) override {
    grpc::Slice request;
    if (!ok || !message_.DumpToSingleSlice(&request).ok()) {
      return Finish({grpc::StatusCode::INVALID_ARGUMENT, "no request"});
    }
    try {
      const std::string response = Run(runtime_, name_, json::parse(request.begin(), request.end())).dump();
      const grpc::Slice slice(response);
      message_ = grpc::ByteBuffer(&slice, 1);
    } catch (const std::exception& error) {
      return Finish({grpc::StatusCode::INVALID_ARGUMENT, error.what()});
    }
    StartWriteAndFinish(&message_, grpc::WriteOptions(), grpc::Status::OK);
  }

  void OnDone() override { delete this; }

 private:
  Runtime& runtime_;
  const std::string name_;
  grpc::ByteBuffer message_;
};

}  // namespace

grpc::ServerGenericBidiReactor* Control::CreateReactor(grpc::GenericCallbackServerContext* context) {
  return new Command(runtime_, context->method());
}

}  // namespace fake_runtime
