#include "cri/image_status.h"

#include <string_view>
#include <utility>

#include "cri/lookup.h"
#include "cri/restore.h"

namespace shim::cri {
namespace {

// A reference, where the request parses and names an image by one; else the request is forwarded as it came.
template <class Request>
Expected<image::Reference> reference_in(const std::string& message, Request& request) {
  if (!request.ParseFromString(message)) return fail("the request does not parse");
  if (image::is_image_id(request.image().image())) return fail("an image ID");
  return image::Reference::parse(request.image().image());
}

// `6d3ffc2696ac2` parses as a name, and is the beginning of an image's ID.
bool is_short_id(std::string_view text, std::string_view id) {
  if (id.starts_with("sha256:")) id.remove_prefix(7);
  return !text.empty() && id.starts_with(text);
}

void restore_names(const Call& call, Reply& reply) {
  if (!call.restore_names || !reply.is_ok() || reply.is_compressed) return;
  auto restored = restore_image_status(reply.message, call.names, call.max_message);
  if (restored) reply.message = std::move(*restored);
}

// A removed image is gone under all of its names. What was pulled since it was asked for is another matter.
void forget(NameStore& names, const image::Reference& reference, const wire::Image& removed,
            NameStore::Moment asked_at) {
  names.forget(reference, asked_at);
  for (const std::string& name : removed.repo_tags()) names.forget_listed(name, asked_at);
  for (const std::string& name : removed.repo_digests()) names.forget_listed(name, asked_at);
}

}  // namespace

boost::asio::awaitable<Reply> image_status(Call call, std::string message) {
  wire::ImageStatusRequest request;
  const auto reference = reference_in(message, request);
  Reply reply;
  if (reference) {
    Lookup lookup = co_await look_up(call, *reference, std::move(message));
    reply = std::move(lookup.reply);
  } else {
    reply = co_await call.runtime.call(call.caller, Service::image, "ImageStatus", std::move(message), call.timeout);
  }
  restore_names(call, reply);
  co_return reply;
}

boost::asio::awaitable<Reply> remove_image(Call call, std::string message) {
  wire::RemoveImageRequest request;
  const auto reference = reference_in(message, request);
  wire::Image image;  // empty where it was not found
  if (reference) {
    const Lookup lookup = co_await look_up(call, *reference, question_about(request.image()));
    if (lookup.is_found) image = image_in(lookup);
    if (!image.id().empty() && !is_short_id(request.image().image(), image.id())) {
      request.mutable_image()->set_image(image.id());
      message = request.SerializeAsString();
    }
  }
  const NameStore::Moment asked_at = call.names.now();
  Reply reply =
      co_await call.runtime.call(call.caller, Service::image, "RemoveImage", std::move(message), call.timeout);
  if (reply.is_ok() && reference) forget(call.names, *reference, image, asked_at);
  co_return reply;
}

}  // namespace shim::cri
