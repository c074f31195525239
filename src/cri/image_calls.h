// The image calls of CRI (DESIGN 2): what the shim does with each, and which other calls it looks into.
//
// One ImageCalls per configuration; immutable but for the names and decisions that it shares with the one before. A
// call in flight finishes on the one that it began with.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "cri/call.h"
#include "cri/decision_log.h"
#include "cri/name_store.h"
#include "cri/runtime.h"
#include "registry/resolver.h"

namespace shim::cri {

class ImageCalls {
 public:
  struct Options {
    std::chrono::nanoseconds timeout = std::chrono::minutes(15);  // of each call made to the runtime
    std::size_t max_message = 16 * 1024 * 1024;                   // octets; restored names never pass it
    bool restore_names = true;
  };

  ImageCalls(std::shared_ptr<const registry::Resolver> resolver, std::shared_ptr<NameStore> names,
             std::shared_ptr<DecisionLog> decisions, Options options);

  // True for the calls that handle() knows; the others are forwarded untouched.
  static bool handles(Service service, std::string_view method);

  // REQUIRES: handles(service, method).
  // The ImageCalls, `caller` and `runtime` are borrowed until the coroutine has ended.
  boost::asio::awaitable<Reply> handle(Service service, std::string_view method, const Caller& caller,
                                       std::string message, Runtime& runtime) const;

  // For StreamImages, which is no unary call: its request with the name in its filter translated …
  boost::asio::awaitable<std::string> translate_list_filter(const Caller& caller, std::string message,
                                                            Runtime& runtime) const;
  // … and one of its messages with the original names restored, or nothing where there are none.
  std::optional<std::string> restore_list(const std::string& response) const;

 private:
  Call make_call(const Caller& caller, Runtime& runtime) const;

  std::shared_ptr<const registry::Resolver> resolver_;
  std::shared_ptr<NameStore> names_;
  std::shared_ptr<DecisionLog> decisions_;
  Options options_;
};

}  // namespace shim::cri
