#include "cri/runtime.h"

#include <utility>

namespace shim::cri {

Reply Reply::error(http2::StatusCode code, std::string message) {
  Reply reply;
  reply.status = {code, std::move(message)};
  reply.trailers = http2::status_trailers(reply.status);
  return reply;
}

Reply Reply::success(std::string message) {
  Reply reply;
  reply.message = std::move(message);
  reply.has_message = true;
  reply.trailers = http2::status_trailers({});
  return reply;
}

}  // namespace shim::cri
