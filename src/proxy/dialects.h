// Which of CRI's two packages, `runtime.v1` and `runtime.v1alpha2`, the runtime speaks, for each service.
//
// Asked once per runtime process and service, when a call first needs it; forgotten when the runtime goes. Shared by
// all clients.
#pragma once

#include <array>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <optional>

#include "http2/grpc.h"
#include "proxy/method.h"

namespace shim::proxy {

class Dialects {
 public:
  // Asks the runtime one harmless question of `service` in `dialect` (RuntimeService/Version, ImageService/ImageFsInfo:
  // image-only plugins lack the first) and gives the answer's status.
  using Ask = std::function<boost::asio::awaitable<http2::Status>(Dialect, cri::Service)>;

  // `pinned`: the configuration's `version`; nothing for `auto`.
  Dialects(boost::asio::io_context& context, std::optional<Dialect> pinned);

  // The dialect to use for a call that came in `spoken`, if it is known already.
  std::optional<Dialect> known(cri::Service service, Dialect spoken) const;
  // The same, asking where it is not known. A runtime that does not answer leaves the call as it came.
  boost::asio::awaitable<Dialect> find(cri::Service service, Dialect spoken, const Ask& ask);
  // Another `version` from now on (a reloaded configuration). Questions under way end as they began.
  void pin(std::optional<Dialect> pinned);
  // The runtime went away; the next one may speak otherwise.
  void forget();

 private:
  enum class Knowledge { unknown, asking, spoken, not_spoken };
  using ServiceKnowledge = std::array<Knowledge, 2>;  // by Dialect

  Knowledge& of(cri::Service service, Dialect dialect);
  Knowledge of(cri::Service service, Dialect dialect) const;
  boost::asio::awaitable<Knowledge> learn(cri::Service service, Dialect dialect, const Ask& ask);
  void warn_of_pin(Dialect pinned, cri::Service service);

  std::optional<Dialect> pinned_;
  std::array<ServiceKnowledge, 2> knowledge_{};  // by Service
  boost::asio::steady_timer answered_;           // never expires; cancelled to wake those who wait for an answer
  unsigned generation_ = 0;                      // of the runtime; an answer of an older one is not kept
  unsigned unanswered_ = 0;                      // questions so far that the runtime gave no answer to
  bool has_warned_of_pin_ = false;
};

}  // namespace shim::proxy
