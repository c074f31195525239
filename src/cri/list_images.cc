#include "cri/list_images.h"

#include <string_view>
#include <utility>
#include <vector>

#include "cri/image_calls.pb.h"
#include "cri/lookup.h"
#include "cri/restore.h"

namespace shim::cri {
namespace {

// What the whole list no longer shows has been removed behind the shim's back.
void forget_removed(NameStore& names, const std::string& response, NameStore::Moment asked_at) {
  wire::ListImagesResponse list;
  if (names.empty() || !list.ParseFromString(response)) return;
  std::vector<std::string_view> listed;
  for (const wire::Image& image : list.images()) {
    listed.insert(listed.end(), image.repo_tags().begin(), image.repo_tags().end());
    listed.insert(listed.end(), image.repo_digests().begin(), image.repo_digests().end());
  }
  names.forget_absent(listed, asked_at);
}

bool has_filter(const std::string& message) {
  wire::ListImagesRequest request;
  return !request.ParseFromString(message) || !request.filter().image().image().empty();
}

}  // namespace

boost::asio::awaitable<std::string> with_filter_translated(Call call, std::string message) {
  wire::ListImagesRequest request;
  if (!request.ParseFromString(message)) co_return message;
  const std::string& image = request.filter().image().image();
  const auto reference = image::Reference::parse(image);
  if (image.empty() || image::is_image_id(image) || !reference) co_return message;

  const Lookup lookup = co_await look_up(call, *reference, question_about(request.filter().image()));
  if (!lookup.reply.is_ok() || lookup.name == image) co_return message;
  request.mutable_filter()->mutable_image()->set_image(lookup.name);
  co_return request.SerializeAsString();
}

boost::asio::awaitable<Reply> list_images(Call call, std::string message) {
  const NameStore::Moment asked_at = call.names.now();
  const bool is_whole = !has_filter(message);
  if (!is_whole) message = co_await with_filter_translated(call, std::move(message));
  Reply reply = co_await call.runtime.call(call.caller, Service::image, "ListImages", std::move(message), call.timeout);
  if (!reply.is_ok() || reply.is_compressed) co_return reply;
  if (is_whole) forget_removed(call.names, reply.message, asked_at);
  if (!call.restore_names) co_return reply;
  if (auto restored = restore_image_list(reply.message, call.names, call.max_message)) {
    reply.message = std::move(*restored);
  }
  co_return reply;
}

}  // namespace shim::cri
