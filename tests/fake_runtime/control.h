// The tests' hand on the runtime: a gRPC service `/fake_runtime.Control/…` on a socket of its own, whose requests and
// responses are JSON objects.
//
//   SetImages     {"images": [{"id", "tags": […], "digests": […], "size"}]}
//   SetPull       {"name", "outcomes": [behaviour, …]}      see behaviour.h
//   SetBehaviour  {"method": "/package.Service/Method", "behaviour": {…}}
//   Images        {} → {"images": […]}
//   Calls         {"after": 0, "method": ""} → {"calls": […]}     see call_log.h
//   Release       {"method": ""} → {"released": number}
//   Crash         {}
#pragma once

#include <grpcpp/generic/async_generic_service.h>

#include "runtime.h"

namespace fake_runtime {

class Control final : public grpc::CallbackGenericService {
 public:
  explicit Control(Runtime& runtime) : runtime_(runtime) {}
  grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext* context) override;

 private:
  Runtime& runtime_;
};

}  // namespace fake_runtime
