#include "proxy/dialects.h"

#include <spdlog/spdlog.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <string_view>

namespace shim::proxy {
namespace {

using http2::StatusCode;

// A runtime that goes at each question is not asked for ever.
constexpr int kRounds = 3;

// In the words of grpc-go, in which runtimes are written: a server that has the service (`unknown method M for service
// S`), or has it generated without that method (`method M not implemented`). `unknown service S` is the opposite.
bool is_of_a_known_service(std::string_view unimplemented) {
  return unimplemented.starts_with("unknown method ") ||
         (unimplemented.starts_with("method ") && unimplemented.ends_with(" not implemented"));
}

}  // namespace

Dialects::Dialects(boost::asio::io_context& context, std::optional<Dialect> pinned, std::chrono::nanoseconds patience)
    : context_(context),
      patience_(patience),
      pinned_(pinned),
      questions_{Question(context), Question(context), Question(context), Question(context)} {}

Dialects::Question& Dialects::of(cri::Service service, Dialect dialect) {
  return questions_[(static_cast<std::size_t>(service) * 2) + static_cast<std::size_t>(dialect)];
}
const Dialects::Question& Dialects::of(cri::Service service, Dialect dialect) const {
  return questions_[(static_cast<std::size_t>(service) * 2) + static_cast<std::size_t>(dialect)];
}

bool Dialects::is_known(Knowledge knowledge) {
  return knowledge == Knowledge::spoken || knowledge == Knowledge::not_spoken;
}

Dialects::Knowledge Dialects::meaning_of(const http2::Status& answer) {
  switch (answer.code) {
    case StatusCode::unavailable:
    case StatusCode::deadline_exceeded:
    case StatusCode::cancelled:
      return Knowledge::unknown;  // a status that says nothing about what the runtime has
    case StatusCode::unimplemented:
      return is_of_a_known_service(answer.message) ? Knowledge::spoken : Knowledge::not_spoken;
    default:
      return Knowledge::spoken;
  }
}

std::optional<Dialect> Dialects::known(cri::Service service, Dialect spoken) const {
  const Dialect first = pinned_.value_or(spoken);
  const Knowledge wanted = of(service, first).knowledge;
  if (!is_known(wanted)) return std::nullopt;
  if (wanted == Knowledge::spoken) return first;
  const Knowledge instead = of(service, other(first)).knowledge;
  if (!is_known(instead)) return std::nullopt;
  return instead == Knowledge::spoken ? other(first) : spoken;
}

boost::asio::awaitable<Dialect> Dialects::find(cri::Service service, Dialect spoken, const Ask& ask) {
  const std::optional<Dialect> pinned = pinned_;
  const Dialect first = pinned.value_or(spoken);
  const Knowledge wanted = co_await learn(service, first, ask);
  if (wanted == Knowledge::spoken) co_return first;
  if (wanted == Knowledge::unknown) co_return spoken;
  const Knowledge instead = co_await learn(service, other(first), ask);
  if (instead != Knowledge::spoken) co_return spoken;
  if (pinned) warn_of_pin(*pinned, service);
  co_return other(first);
}

boost::asio::awaitable<Dialects::Knowledge> Dialects::learn(cri::Service service, Dialect dialect, const Ask& ask) {
  Question& question = of(service, dialect);
  for (int round = 0; round < kRounds && !is_known(question.knowledge); ++round) {
    const unsigned generation = generation_;
    const unsigned unanswered = question.unanswered;
    if (question.knowledge == Knowledge::unknown) begin(service, dialect, ask);
    if (question.knowledge == Knowledge::asking) {
      boost::system::error_code woken;
      co_await question.patience.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, woken));
    }
    if (generation != generation_) continue;  // the next runtime is asked
    if (question.knowledge == Knowledge::asking) co_return Knowledge::unknown;
    // A runtime that does not answer is not asked once for each of those who waited, one after the other.
    if (question.unanswered != unanswered) co_return Knowledge::unknown;
  }
  co_return is_known(question.knowledge) ? question.knowledge : Knowledge::unknown;
}

void Dialects::begin(cri::Service service, Dialect dialect, const Ask& ask) {
  Question& question = of(service, dialect);
  question.knowledge = Knowledge::asking;
  question.patience.expires_after(patience_);
  boost::asio::co_spawn(context_, run(service, dialect, ask, generation_), boost::asio::detached);
}

boost::asio::awaitable<void> Dialects::run(cri::Service service, Dialect dialect, Ask ask, unsigned generation) {
  const std::optional<http2::Status> answer = co_await ask(dialect, service);
  if (generation != generation_) co_return;
  Question& question = of(service, dialect);
  question.knowledge = answer ? meaning_of(*answer) : Knowledge::unknown;
  if (answer && question.knowledge == Knowledge::unknown) ++question.unanswered;
  question.patience.cancel();
}

void Dialects::pin(std::optional<Dialect> pinned) {
  if (pinned == pinned_) return;
  pinned_ = pinned;
  has_warned_of_pin_ = false;
}

void Dialects::on_link(RuntimeLink::Event event) {
  if (event == RuntimeLink::Event::connected) {
    ++connections_;
    return;
  }
  if (event == RuntimeLink::Event::unreachable) return;
  --connections_;
  if (event == RuntimeLink::Event::lost || connections_ == 0) forget();
}

void Dialects::forget() {
  ++generation_;
  for (Question& question : questions_) {
    question.knowledge = Knowledge::unknown;
    question.patience.cancel();
  }
}

void Dialects::warn_of_pin(Dialect pinned, cri::Service service) {
  if (has_warned_of_pin_) return;
  has_warned_of_pin_ = true;
  spdlog::warn("version: {} is not spoken by the runtime's {}; going on as with `version: auto`", name_of(pinned),
               service == cri::Service::image ? "ImageService" : "RuntimeService");
}

}  // namespace shim::proxy
