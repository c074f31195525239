#include "proxy/runtime_check.h"

#include <utility>

#include "proxy/method.h"
#include "proxy/runtime_call.h"
#include "proxy/runtime_link.h"

namespace shim::proxy {

boost::asio::awaitable<Expected<cri::RuntimeVersion>> check_runtime(const RuntimeQuestion& question,
                                                                    std::chrono::nanoseconds patience) {
  RuntimeLink link(question.io, question.flush_queue, {question.socket, {}}, [] {});
  const CallLimits limits{question.max_message, question.message_budget, question.deadlines};
  http2::HeaderList headers = own_request_headers(path_of(Dialect::v1, cri::Service::runtime, "Version"));
  const cri::Reply reply = co_await call_runtime(link, std::move(headers), std::string(), patience, limits);
  const bool is_silent = reply.status.code == http2::StatusCode::deadline_exceeded;
  if (reply.runtime_is_lost || is_silent) co_return fail(reply.status.message);
  co_return reply.is_ok() && !reply.is_compressed ? cri::read_version(reply.message) : cri::RuntimeVersion{};
}

}  // namespace shim::proxy
