#include "cri/version.h"

#include <utility>

#include "cri/image_calls.pb.h"

namespace shim::cri {

boost::asio::awaitable<Reply> call_version(const Caller& caller, std::string message, Runtime& runtime,
                                           std::string_view api_version) {
  constexpr std::chrono::minutes kLimit(2);  // as long as the kubelet gives its own calls
  const std::string wanted(api_version);
  Reply reply = co_await runtime.call(caller, Service::runtime, "Version", std::move(message), kLimit);
  wire::VersionResponse response;
  if (!reply.is_ok() || reply.is_compressed || !response.ParseFromString(reply.message)) co_return reply;
  response.set_runtime_api_version(wanted);
  reply.message = response.SerializeAsString();
  co_return reply;
}

RuntimeVersion read_version(const std::string& response) {
  wire::VersionResponse version;
  if (!version.ParseFromString(response)) return {};
  return {version.runtime_name(), version.runtime_version(), version.runtime_api_version()};
}

}  // namespace shim::cri
