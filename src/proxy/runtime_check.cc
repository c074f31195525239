#include "proxy/runtime_check.h"

#include <string_view>
#include <utility>

#include "proxy/method.h"
#include "proxy/runtime_call.h"
#include "proxy/runtime_link.h"

namespace shim::proxy {
namespace {

boost::asio::awaitable<cri::Reply> ask_version(RuntimeLink& link, Dialect dialect, std::chrono::nanoseconds patience,
                                               CallLimits limits) {
  http2::HeaderList headers = own_request_headers(path_of(dialect, cri::Service::runtime, "Version"));
  co_return co_await call_runtime(link, std::move(headers), std::string(), patience, limits);
}

}  // namespace

boost::asio::awaitable<Expected<cri::RuntimeVersion>> check_runtime(const RuntimeQuestion& question,
                                                                    std::chrono::nanoseconds patience) {
  const auto give_up = std::chrono::steady_clock::now() + patience;
  RuntimeLink link(question.io, question.flush_queue, {question.socket, {}},
                   [](RuntimeLink::Event, std::string_view) {});
  const CallLimits limits{question.max_message, question.message_budget, question.deadlines};
  cri::Reply reply = co_await ask_version(link, Dialect::v1, patience, limits);
  const bool is_silent = reply.status.code == http2::StatusCode::deadline_exceeded;
  if (reply.runtime_is_lost || is_silent) co_return fail(reply.status.message);
  if (reply.status.code == http2::StatusCode::unimplemented) {
    reply = co_await ask_version(link, Dialect::v1alpha2, give_up - std::chrono::steady_clock::now(), limits);
  }
  co_return reply.is_ok() && !reply.is_compressed ? cri::read_version(reply.message) : cri::RuntimeVersion{};
}

}  // namespace shim::proxy
