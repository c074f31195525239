#include "cri/image_calls.h"

#include <array>
#include <cassert>
#include <utility>

#include "cri/create_container.h"
#include "cri/image_status.h"
#include "cri/list_images.h"
#include "cri/pull_image.h"
#include "cri/restore.h"

namespace shim::cri {
namespace {

struct Handler {
  Service service;
  std::string_view method;
  boost::asio::awaitable<Reply> (*handle)(Call call, std::string message);
};

constexpr std::array<Handler, 5> kHandlers = {{
    {Service::image, "PullImage", pull_image},
    {Service::image, "ImageStatus", image_status},
    {Service::image, "RemoveImage", remove_image},
    {Service::image, "ListImages", list_images},
    {Service::runtime, "CreateContainer", create_container},
}};

const Handler* find_handler(Service service, std::string_view method) {
  for (const Handler& handler : kHandlers) {
    if (handler.service == service && handler.method == method) return &handler;
  }
  return nullptr;
}

}  // namespace

ImageCalls::ImageCalls(std::shared_ptr<const registry::Resolver> resolver, std::shared_ptr<NameStore> names,
                       std::shared_ptr<DecisionLog> decisions, Options options)
    : resolver_(std::move(resolver)), names_(std::move(names)), decisions_(std::move(decisions)), options_(options) {}

bool ImageCalls::handles(Service service, std::string_view method) {
  return find_handler(service, method) != nullptr;
}

boost::asio::awaitable<Reply> ImageCalls::handle(Service service, std::string_view method, const Caller& caller,
                                                 std::string message, Runtime& runtime) const {
  const Handler* handler = find_handler(service, method);
  assert(handler != nullptr);
  return handler->handle(make_call(caller, runtime), std::move(message));
}

boost::asio::awaitable<std::string> ImageCalls::translate_list_filter(const Caller& caller, std::string message,
                                                                      Runtime& runtime) const {
  return with_filter_translated(make_call(caller, runtime), std::move(message));
}

std::optional<std::string> ImageCalls::restore_list(const std::string& response) const {
  if (!options_.restore_names) return std::nullopt;
  return restore_image_list(response, *names_, options_.max_message);
}

Call ImageCalls::make_call(const Caller& caller, Runtime& runtime) const {
  return {*resolver_, *names_,          *decisions_,          caller,
          runtime,    options_.timeout, options_.max_message, options_.restore_names};
}

}  // namespace shim::cri
