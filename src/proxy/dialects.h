// Which of CRI's two packages, `runtime.v1` and `runtime.v1alpha2`, the runtime speaks, for each service.
//
// Asked once per runtime process and service, when a call first needs it. A question belongs to no caller: whoever has
// gone away or waited long enough leaves it, and its answer serves those who come later. Shared by all clients.
//
// Forgotten when the runtime goes, and when nobody is connected to it any more: it could be replaced unseen.
#pragma once

#include <array>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <optional>

#include "http2/grpc.h"
#include "proxy/method.h"
#include "proxy/runtime_link.h"

namespace shim::proxy {

class Dialects {
 public:
  // Asks the runtime one harmless question of `service` in `dialect` (RuntimeService/Version, ImageService/ImageFsInfo:
  // image-only plugins lack the first) and gives the answer's status: UNAVAILABLE where the runtime gave none, nothing
  // where whoever was to ask is gone. Kept until its answer; throws nothing.
  using Ask = std::function<boost::asio::awaitable<std::optional<http2::Status>>(Dialect, cri::Service)>;

  // How long a call waits for an answer, counted from the question. An ImageFsInfo that walks a slow disk takes longer.
  static constexpr std::chrono::seconds kPatience{2};

  // `pinned`: the configuration's `version`; nothing for `auto`.
  Dialects(boost::asio::io_context& context, std::optional<Dialect> pinned,
           std::chrono::nanoseconds patience = kPatience);

  // The dialect to use for a call that came in `spoken`, if it is known already.
  std::optional<Dialect> known(cri::Service service, Dialect spoken) const;
  // The same, asking where it is not known. A runtime that does not answer in time leaves the call as it came; one that
  // goes while it is asked is asked again.
  boost::asio::awaitable<Dialect> find(cri::Service service, Dialect spoken, const Ask& ask);
  // Another `version` from now on (a reloaded configuration). Calls that wait for an answer end as they began.
  void pin(std::optional<Dialect> pinned);
  // What becomes of each client's connection to the runtime.
  void on_link(RuntimeLink::Event event);

 private:
  enum class Knowledge { unknown, asking, spoken, not_spoken };
  struct Question {
    explicit Question(boost::asio::io_context& context) : patience(context) {}

    Knowledge knowledge = Knowledge::unknown;
    unsigned unanswered = 0;             // times that the runtime gave no answer
    boost::asio::steady_timer patience;  // of those who wait; cancelled to wake them
  };

  static bool is_known(Knowledge knowledge);
  static Knowledge meaning_of(const http2::Status& answer);
  Question& of(cri::Service service, Dialect dialect);
  const Question& of(cri::Service service, Dialect dialect) const;
  boost::asio::awaitable<Knowledge> learn(cri::Service service, Dialect dialect, const Ask& ask);
  void begin(cri::Service service, Dialect dialect, const Ask& ask);
  boost::asio::awaitable<void> run(cri::Service service, Dialect dialect, Ask ask, unsigned generation);
  void forget();
  void warn_of_pin(Dialect pinned, cri::Service service);

  boost::asio::io_context& context_;
  const std::chrono::nanoseconds patience_;
  std::optional<Dialect> pinned_;
  std::array<Question, 4> questions_;  // by Service and Dialect
  unsigned generation_ = 0;            // of the runtime; an answer of an older one is not kept
  unsigned connections_ = 0;           // to the runtime
  bool has_warned_of_pin_ = false;
};

}  // namespace shim::proxy
