#include "proxy/dialects.h"

#include <spdlog/spdlog.h>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace shim::proxy {
namespace {

using http2::StatusCode;

// A status that no runtime code produced says nothing about what it speaks.
bool is_answer(StatusCode code) {
  return code != StatusCode::unavailable && code != StatusCode::deadline_exceeded && code != StatusCode::cancelled;
}

}  // namespace

Dialects::Dialects(boost::asio::io_context& context, std::optional<Dialect> pinned)
    : pinned_(pinned), answered_(context, boost::asio::steady_timer::time_point::max()) {}

Dialects::Knowledge& Dialects::of(cri::Service service, Dialect dialect) {
  return knowledge_[static_cast<std::size_t>(service)][static_cast<std::size_t>(dialect)];
}
Dialects::Knowledge Dialects::of(cri::Service service, Dialect dialect) const {
  return knowledge_[static_cast<std::size_t>(service)][static_cast<std::size_t>(dialect)];
}

std::optional<Dialect> Dialects::known(cri::Service service, Dialect spoken) const {
  const auto is_known = [](Knowledge knowledge) {
    return knowledge == Knowledge::spoken || knowledge == Knowledge::not_spoken;
  };
  if (pinned_) {
    const Knowledge pin = of(service, *pinned_);
    if (pin == Knowledge::spoken) return pinned_;
    if (!is_known(pin)) return std::nullopt;
  }
  const Knowledge native = of(service, spoken);
  if (native == Knowledge::spoken) return spoken;
  if (!is_known(native)) return std::nullopt;
  const Knowledge translated = of(service, other(spoken));
  if (!is_known(translated)) return std::nullopt;
  return translated == Knowledge::spoken ? other(spoken) : spoken;
}

boost::asio::awaitable<Dialect> Dialects::find(cri::Service service, Dialect spoken, const Ask& ask) {
  if (const std::optional<Dialect> pinned = pinned_) {
    const Knowledge pin = co_await learn(service, *pinned, ask);
    if (pin == Knowledge::spoken) co_return *pinned;
    if (pin == Knowledge::not_spoken) warn_of_pin(*pinned, service);
  }
  if (co_await learn(service, spoken, ask) != Knowledge::not_spoken) co_return spoken;
  const bool is_translated = co_await learn(service, other(spoken), ask) == Knowledge::spoken;
  co_return is_translated ? other(spoken) : spoken;
}

boost::asio::awaitable<Dialects::Knowledge> Dialects::learn(cri::Service service, Dialect dialect, const Ask& ask) {
  const unsigned unanswered = unanswered_;
  while (of(service, dialect) == Knowledge::asking) {
    boost::system::error_code woken;
    co_await answered_.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, woken));
  }
  if (of(service, dialect) != Knowledge::unknown) co_return of(service, dialect);
  // A runtime that hangs would otherwise keep each of those who waited for as long again, one after the other.
  if (unanswered_ != unanswered) co_return Knowledge::unknown;

  // However this ends (an answer, the caller's cancellation), those who wait are woken and ask again if need be.
  struct Asking {
    Dialects& dialects;
    Knowledge& knowledge;
    unsigned generation;
    ~Asking() {
      if (generation == dialects.generation_ && knowledge == Knowledge::asking) knowledge = Knowledge::unknown;
      dialects.answered_.cancel();
    }
  } asking{*this, of(service, dialect), generation_};
  asking.knowledge = Knowledge::asking;

  const http2::Status status = co_await ask(dialect, service);
  if (!is_answer(status.code)) {
    ++unanswered_;
    co_return Knowledge::unknown;
  }
  const Knowledge learnt = status.code == StatusCode::unimplemented ? Knowledge::not_spoken : Knowledge::spoken;
  if (asking.generation == generation_) asking.knowledge = learnt;
  co_return learnt;
}

void Dialects::pin(std::optional<Dialect> pinned) {
  if (pinned == pinned_) return;
  pinned_ = pinned;
  has_warned_of_pin_ = false;
}

void Dialects::forget() {
  ++generation_;
  knowledge_ = {};
  answered_.cancel();
}

void Dialects::warn_of_pin(Dialect pinned, cri::Service service) {
  if (has_warned_of_pin_) return;
  has_warned_of_pin_ = true;
  spdlog::warn("version: {} is not spoken by the runtime's {}; going on as with `version: auto`", name_of(pinned),
               service == cri::Service::image ? "ImageService" : "RuntimeService");
}

}  // namespace shim::proxy
