// For the tests of this folder: a runtime in memory, and coroutines run to their end.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <functional>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cri/image_calls.pb.h"
#include "cri/runtime.h"
#include "image/reference.h"

namespace shim::cri::testing {

inline image::Reference reference(std::string_view text) {
  return image::Reference::parse(text).value();
}

inline wire::Image image_of(std::string_view id, std::initializer_list<const char*> tags,
                            std::initializer_list<const char*> digests = {}) {
  wire::Image image;
  image.set_id(std::string(id));
  for (const char* tag : tags) image.add_repo_tags(tag);
  for (const char* digest : digests) image.add_repo_digests(digest);
  return image;
}

// Requests with an `image` as their field.
template <class Request>
std::string naming(std::string_view name) {
  Request request;
  request.mutable_image()->set_image(std::string(name));
  return request.SerializeAsString();
}

template <class Message>
Message parsed(const std::string& octets) {
  Message message;
  EXPECT_TRUE(message.ParseFromString(octets));
  return message;
}

// A field of a later kubelet or runtime, which the shim's own messages do not name.
inline constexpr std::string_view kLaterField = "\x9a\x06\x05later";

template <class Message>
void add_later_field(Message& message) {
  EXPECT_TRUE(message.MergeFromString(std::string(kLaterField)));
}
template <class Message>
bool has_later_field(const Message& message) {
  return message.SerializeAsString().ends_with(kLaterField);
}

// Knows images by ID and by listed name, as containerd does; what is pulled is there afterwards. Each answer comes
// with a later event, so that calls overlap where they are made concurrently.
class MemoryRuntime : public Runtime {
 public:
  struct Asked {
    std::string method;
    std::string image;    // the name in it, where it has one
    std::string message;  // serialised
  };

  std::vector<wire::Image> images;
  std::map<std::string, http2::Status> failures;  // by method, or by `PullImage name`
  std::vector<Asked> asked;
  std::size_t most_at_once = 0;                                                    // calls in flight
  std::function<void(std::string_view method, const std::string& image)> on_call;  // while each is in flight

  std::vector<std::string> names_asked(std::string_view method) const {
    std::vector<std::string> names;
    for (const Asked& call : asked) {
      if (call.method == method) names.push_back(call.image);
    }
    return names;
  }

  boost::asio::awaitable<Reply> call(const Caller&, Service, std::string_view method, std::string message,
                                     std::chrono::nanoseconds) override {
    return answer_later(std::string(method), std::move(message));
  }

 private:
  boost::asio::awaitable<Reply> answer_later(std::string method, std::string message) {
    most_at_once = std::max(most_at_once, ++in_flight_);
    const std::string image = image_in(method, message);
    asked.push_back({method, image, message});
    if (on_call) on_call(method, image);
    co_await boost::asio::post(boost::asio::use_awaitable);
    --in_flight_;
    for (const std::string& key : {method + " " + image, method}) {
      const auto failure = failures.find(key);
      if (failure != failures.end()) co_return Reply::error(failure->second.code, failure->second.message);
    }
    co_return Reply::success(answer(method, image));
  }

  static std::string image_in(const std::string& method, const std::string& message) {
    if (method == "ListImages") return parsed<wire::ListImagesRequest>(message).filter().image().image();
    if (method == "CreateContainer") return parsed<wire::CreateContainerRequest>(message).config().image().image();
    return parsed<wire::PullImageRequest>(message).image().image();  // the same field in all others
  }

  static bool is_named(const wire::Image& image, const std::string& name) {
    const auto has = [&](const auto& names) { return std::find(names.begin(), names.end(), name) != names.end(); };
    const std::string bare_id = image.id().substr(image.id().find(':') + 1);
    if (image.id() == name || (name.size() >= 6 && bare_id.starts_with(name))) return true;
    const auto parsed_name = image::Reference::parse(name);
    if (!parsed_name) return false;
    const std::string canonical = parsed_name->canonical();
    return has(image.repo_tags()) || has(image.repo_digests()) ||
           std::find(image.repo_tags().begin(), image.repo_tags().end(), canonical) != image.repo_tags().end();
  }

  std::string answer(const std::string& method, const std::string& name) {
    const auto is_it = [&](const wire::Image& image) { return is_named(image, name); };
    if (method == "ImageStatus") {
      wire::ImageStatusResponse response;
      const auto at = std::find_if(images.begin(), images.end(), is_it);
      if (at != images.end()) *response.mutable_image() = *at;
      return response.SerializeAsString();
    }
    if (method == "ListImages") {
      wire::ListImagesResponse response;
      for (const wire::Image& image : images) {
        if (name.empty() || is_it(image)) *response.add_images() = image;
      }
      return response.SerializeAsString();
    }
    if (method == "RemoveImage") std::erase_if(images, is_it);
    if (method == "PullImage") {
      wire::PullImageResponse response;
      response.set_image_ref("sha256:pulled");
      images.push_back(image_of("sha256:pulled", {image::Reference::parse(name)->canonical().c_str()}));
      return response.SerializeAsString();
    }
    return {};
  }

  std::size_t in_flight_ = 0;
};

}  // namespace shim::cri::testing
