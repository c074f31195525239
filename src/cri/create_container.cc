#include "cri/create_container.h"

#include <utility>

#include "cri/image_calls.pb.h"
#include "cri/lookup.h"

namespace shim::cri {
namespace {

// True where `spec` named an image that the runtime has under another name, which it names now.
boost::asio::awaitable<bool> translate(const Call& call, wire::ImageSpec& spec) {
  const auto reference = image::Reference::parse(spec.image());
  if (!reference || image::is_image_id(spec.image())) co_return false;
  const Lookup lookup = co_await look_up(call, *reference, question_about(spec));
  if (!lookup.is_found || lookup.name == spec.image()) co_return false;
  spec.set_image(lookup.name);
  co_return true;
}

}  // namespace

boost::asio::awaitable<Reply> create_container(Call call, std::string message) {
  wire::CreateContainerRequest request;
  if (request.ParseFromString(message)) {
    wire::ContainerConfig& config = *request.mutable_config();
    bool has_changed = config.has_image() && co_await translate(call, *config.mutable_image());
    for (wire::Mount& mount : *config.mutable_mounts()) {
      if (mount.has_image() && co_await translate(call, *mount.mutable_image())) has_changed = true;
    }
    if (has_changed) message = request.SerializeAsString();
  }
  co_return co_await call.runtime.call(call.caller, Service::runtime, "CreateContainer", std::move(message),
                                       call.timeout);
}

}  // namespace shim::cri
