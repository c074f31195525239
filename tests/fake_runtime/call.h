// One gRPC call of any method: reads, waits and answers as its behaviour says, and keeps its record.
#pragma once

#include <grpcpp/alarm.h>
#include <grpcpp/generic/async_generic_service.h>

#include "runtime.h"

namespace fake_runtime {

class Service final : public grpc::CallbackGenericService {
 public:
  explicit Service(Runtime& runtime) : runtime_(runtime) {}
  grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext* context) override;

 private:
  Runtime& runtime_;
};

}  // namespace fake_runtime
