#include "commands/runtime_interview.h"

#include <utility>

#include "cri/status.h"
#include "cri/version.h"
#include "proxy/runtime_call.h"

namespace shim::commands {

using http2::StatusCode;

RuntimeInterview::RuntimeInterview(boost::asio::io_context& io, Options options)
    : options_(std::move(options)),
      flush_queue_(io),
      deadlines_(io),
      budget_(options_.max_message),
      link_(io, flush_queue_, {options_.socket, {}}, [](proxy::RuntimeLink::Event, std::string_view) {}) {}

boost::asio::awaitable<Expected<runtimes::Answers>> RuntimeInterview::ask() {
  const cri::Reply version = co_await call(cri::Service::runtime, "Version", "");
  if (version.runtime_is_lost || version.status.code == StatusCode::deadline_exceeded) {
    co_return fail(version.status.message);
  }
  runtimes::Answers answers;
  if (!version.is_ok() || version.is_compressed) co_return answers;
  cri::RuntimeVersion is = cri::read_version(version.message);
  answers.name = std::move(is.name);
  answers.version = std::move(is.version);
  const cri::Reply status = co_await call(cri::Service::runtime, "Status", cri::verbose_status_question());
  if (status.is_ok() && !status.is_compressed) answers.config = cri::config_in_status(status.message);
  co_return answers;
}

boost::asio::awaitable<bool> RuntimeInterview::speaks(proxy::Dialect dialect) {
  cri::Reply reply = co_await call_in(dialect, cri::Service::runtime, "Version", "");
  if (reply.status.code == StatusCode::unimplemented) {
    reply = co_await call_in(dialect, cri::Service::image, "ImageFsInfo", "");
  }
  co_return !reply.runtime_is_lost && reply.status.code != StatusCode::unimplemented;
}

boost::asio::awaitable<Expected<bool>> RuntimeInterview::has_image(std::string image) {
  const cri::Reply reply = co_await call(cri::Service::image, "ImageStatus", cri::image_status_question(image));
  if (!reply.is_ok()) co_return fail(reply.status.message);
  co_return cri::has_image(reply.message);
}

boost::asio::awaitable<cri::Reply> RuntimeInterview::call(cri::Service service, std::string method,
                                                          std::string message) {
  cri::Reply reply = co_await call_in(proxy::Dialect::v1, service, method, message);
  if (reply.status.code == StatusCode::unimplemented) {
    reply = co_await call_in(proxy::Dialect::v1alpha2, service, std::move(method), std::move(message));
  }
  co_return reply;
}

boost::asio::awaitable<cri::Reply> RuntimeInterview::call_in(proxy::Dialect dialect, cri::Service service,
                                                             std::string method, std::string message) {
  http2::HeaderList headers = proxy::own_request_headers(proxy::path_of(dialect, service, method));
  const proxy::CallLimits limits{options_.max_message, budget_, deadlines_};
  const auto remaining = options_.deadline - std::chrono::steady_clock::now();
  co_return co_await proxy::call_runtime(link_, std::move(headers), std::move(message), remaining, limits);
}

}  // namespace shim::commands
