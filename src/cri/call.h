// What the handler of one image call works with. References are borrowed for the call, which the caller of
// ImageCalls::handle() keeps alive until it has ended.
#pragma once

#include <chrono>
#include <cstddef>

#include "cri/decision_log.h"
#include "cri/name_store.h"
#include "cri/runtime.h"
#include "registry/resolver.h"

namespace shim::cri {

struct Call {
  const registry::Resolver& resolver;
  NameStore& names;
  DecisionLog& decisions;
  const Caller& caller;
  Runtime& runtime;
  std::chrono::nanoseconds timeout;  // of each call made to the runtime
  std::size_t max_message;           // octets
  bool restore_names;
};

}  // namespace shim::cri
