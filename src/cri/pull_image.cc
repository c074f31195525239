#include "cri/pull_image.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/this_coro.hpp>
#include <chrono>
#include <optional>
#include <string_view>
#include <utility>

#include "cri/image_calls.pb.h"
#include "cri/pull_log.h"
#include "image/reference.h"
#include "registry/entry.h"

namespace shim::cri {
namespace {

using http2::StatusCode;
using registry::Outcome;
using Clock = std::chrono::steady_clock;

constexpr std::string_view kRegistryUnavailable = "RegistryUnavailable";
constexpr std::string_view kSignatureFailed = "SignatureValidationFailed";

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != text.npos;
}

bool is_signature_failure(const http2::Status& status) {
  return status.code == StatusCode::unknown && status.message.starts_with(kSignatureFailed);
}

bool is_disk_full(const http2::Status& status) {
  return contains(status.message, "no space left on device") || contains(status.message, "disk quota exceeded");
}

// What a runtime says when it could not reach the registry at all.
bool says_unreachable(std::string_view message) {
  constexpr std::array<std::string_view, 6> kSigns = {kRegistryUnavailable, "dial tcp",    "connection refused",
                                                      "no such host",       "i/o timeout", "TLS handshake timeout"};
  return std::ranges::any_of(kSigns, [&](std::string_view sign) { return contains(message, sign); });
}

// What a runtime says when it speaks to a registry otherwise than the shim, whose probe succeeded: over TLS where the
// address is plain HTTP, or without the entry's `tls`. The words are Go's.
bool says_spoken_to_otherwise(std::string_view message) {
  constexpr std::array<std::string_view, 3> kSigns = {"server gave HTTP response to HTTPS client",
                                                      "x509: certificate signed by unknown authority",
                                                      "tls: certificate required"};
  return std::ranges::any_of(kSigns, [&](std::string_view sign) { return contains(message, sign); });
}

bool is_unreachable(const Outcome& outcome) {
  return outcome.kind == Outcome::Kind::unreachable ||
         (outcome.kind == Outcome::Kind::pull_failed && says_unreachable(outcome.reason));
}

StatusCode code_of(const Outcome& outcome) {
  switch (outcome.kind) {
    case Outcome::Kind::absent:
    case Outcome::Kind::other_platform:
      return StatusCode::not_found;
    case Outcome::Kind::refused:
      return StatusCode::permission_denied;
    default:
      return StatusCode::unknown;
  }
}

StatusCode code_of(const std::vector<Outcome>& outcomes, const Reply* last_pull) {
  if (last_pull != nullptr) return last_pull->status.code;
  return outcomes.empty() ? StatusCode::not_found : code_of(outcomes.back());
}

// An AuthConfig of the candidate's own; what the kubelet sent was for another host.
void set_auth(wire::PullImageRequest& request, const std::optional<registry::PullCredential>& pull) {
  request.clear_auth();
  if (!pull) return;
  const credentials::Credential& credential = pull->credential;
  wire::AuthConfig& config = *request.mutable_auth();
  config.set_username(credential.username);
  config.set_password(std::string(credential.password.reveal()));
  config.set_identity_token(std::string(credential.identity_token.reveal()));
  config.set_server_address(pull->server_address);
}

// One PullImage of the kubelet, from its first candidate to its reply.
class Pull {
 public:
  Pull(const Call& call, std::string message, wire::PullImageRequest request, image::Reference reference)
      : call_(call),
        message_(std::move(message)),
        request_(std::move(request)),
        reference_(std::move(reference)),
        log_(reference_.original(), request_.sandbox_config().metadata().namespace_()) {}

  boost::asio::awaitable<Reply> run() {
    const auto resolution =
        call_.resolver.resolve(reference_, {.pod_namespace = request_.sandbox_config().metadata().namespace_(),
                                            .caller_sent_credentials = request_.has_auth(),
                                            .deadline = call_.caller.deadline});
    for (const std::string& warning : resolution->warnings()) spdlog::warn("{}", warning);
    std::optional<Reply> last;
    while (const auto candidate = co_await resolution->next()) {
      log_.attempt_begins(source_of(*candidate));
      Reply reply = co_await attempt(*candidate);
      if (reply.is_ok()) {
        resolution->pull_succeeded();
        remember(*candidate);
        log_.pulled(resolution->outcomes());
        co_return reply;
      }
      if (reply.is_cancelled) co_return reply;
      resolution->pull_failed(reply.status.message);
      if (candidate->entry != nullptr && hint_.empty()) hint_ = settings_hint(reply);
      log_.attempt_failed(reply.status);
      last = std::move(reply);
      if (may_try_next(*last, deadline_has_passed())) continue;
      const std::vector<Outcome> outcomes = outcomes_of(*resolution);
      co_return failed(pull_failure(reference_.original(), outcomes, &*last), outcomes);
    }
    const auto cancellation = co_await boost::asio::this_coro::cancellation_state;
    if (cancellation.cancelled() != boost::asio::cancellation_type::none) co_return cancelled();
    const std::vector<Outcome> outcomes = outcomes_of(*resolution);
    co_return failed(deadline_has_passed() ? deadline_failure(reference_.original(), outcomes)
                                           : pull_failure(reference_.original(), outcomes, last ? &*last : nullptr),
                     outcomes);
  }

 private:
  // In the order in which its author wants to read them: a pod with a pull secret means the registry that it is for.
  std::vector<Outcome> outcomes_of(const registry::Resolution& resolution) const {
    std::vector<Outcome> outcomes = resolution.outcomes();
    if (request_.has_auth()) {
      std::ranges::stable_partition(outcomes, [&](const Outcome& it) { return it.source == reference_.host(); });
    }
    return outcomes;
  }

  // The end of a pull that nobody waits for any more.
  static Reply cancelled() {
    Reply reply = Reply::error(StatusCode::cancelled, "cancelled by the caller");
    reply.is_cancelled = true;
    return reply;
  }

  Reply failed(const Reply& failure, const std::vector<Outcome>& outcomes) {
    Reply reply = Reply::error(failure.status.code, failure.status.message + hint_);
    reply.runtime_is_lost = failure.runtime_is_lost;
    log_.failed(reply.status, outcomes);
    return reply;
  }

  boost::asio::awaitable<Reply> attempt(const registry::Candidate& candidate) {
    auto message = co_await message_for(candidate);
    if (!message) co_return Reply::error(StatusCode::unknown, message.error().message);
    co_return co_await call_.runtime.call(call_.caller, Service::image, "PullImage", std::move(*message),
                                          call_.timeout);
  }

  // The kubelet's own octets where neither the name nor the credentials change.
  boost::asio::awaitable<Expected<std::string>> message_for(const registry::Candidate& candidate) const {
    if (candidate.is_original && (request_.has_auth() || candidate.entry == nullptr)) co_return message_;
    const auto credential = co_await credential_for(candidate);
    if (!credential) co_return std::unexpected(credential.error());
    wire::PullImageRequest request = request_;
    if (!candidate.is_original) request.mutable_image()->set_image(candidate.name);
    set_auth(request, *credential);
    co_return request.SerializeAsString();
  }

  boost::asio::awaitable<Expected<std::optional<registry::PullCredential>>> credential_for(
      const registry::Candidate& candidate) const {
    if (candidate.entry == nullptr) co_return std::nullopt;
    co_return co_await registry::pull_credential(call_.resolver.keychain(), *candidate.entry, candidate.repository,
                                                 call_.caller.deadline.value_or(Clock::time_point::max()));
  }

  void remember(const registry::Candidate& candidate) {
    if (candidate.is_original) {
      call_.names.forget(reference_);
    } else {
      call_.names.remember(reference_, candidate.name);
    }
  }

  PullLog::Source source_of(const registry::Candidate& candidate) const {
    const registry::Entry* entry = candidate.entry;
    return {.registry = entry != nullptr ? entry->address.text() : reference_.host(),
            .name = candidate.is_original ? reference_.original() : candidate.name,
            .priority = entry != nullptr ? std::optional(entry->priority) : std::nullopt};
  }
  bool deadline_has_passed() const { return call_.caller.deadline && Clock::now() >= *call_.caller.deadline; }

  const Call call_;
  const std::string message_;
  const wire::PullImageRequest request_;
  const image::Reference reference_;
  PullLog log_;
  std::string hint_;  // what ends the error, should it come to one
};

std::string describe(const std::vector<Outcome>& outcomes) {
  std::string text;
  for (const Outcome& outcome : outcomes) {
    text += fmt::format("{}{}: {}", text.empty() ? "" : "; ", outcome.source,
                        outcome.reason.empty() ? "has it" : outcome.reason);
  }
  return text;
}

}  // namespace

bool may_try_next(const Reply& failure, bool deadline_has_passed) {
  if (failure.is_cancelled || failure.runtime_is_lost || deadline_has_passed) return false;
  return !is_disk_full(failure.status) && !is_signature_failure(failure.status);
}

std::string settings_hint(const Reply& failure) {
  if (!says_spoken_to_otherwise(failure.status.message)) return {};
  return ". The runtime lacks settings for a configured registry (containerd: its certs.d/HOST/hosts.toml): "
         "`image-cri-shim check` on the node says what to write where";
}

Reply pull_failure(const std::string& image, const std::vector<Outcome>& outcomes, const Reply* last_pull) {
  const bool signature_failed = last_pull != nullptr && is_signature_failure(last_pull->status);
  const bool says_unavailable = last_pull != nullptr && last_pull->status.code == StatusCode::unknown &&
                                last_pull->status.message.starts_with(kRegistryUnavailable);
  const bool is_unavailable = says_unavailable || (!outcomes.empty() && std::ranges::all_of(outcomes, is_unreachable));

  std::string message = signature_failed ? fmt::format("{}: ", kSignatureFailed)
                        : is_unavailable ? fmt::format("{}: ", kRegistryUnavailable)
                                         : std::string();
  message += fmt::format("cannot pull {}: ", image);
  if (outcomes.empty()) message += "no configured registry matches it, and `fallback: deny` keeps it from its own";
  message += describe(outcomes);
  const StatusCode code = is_unavailable ? StatusCode::unknown : code_of(outcomes, last_pull);
  Reply reply = Reply::error(code, std::move(message));
  if (last_pull != nullptr) reply.runtime_is_lost = last_pull->runtime_is_lost;
  return reply;
}

Reply deadline_failure(const std::string& image, const std::vector<Outcome>& outcomes) {
  std::string message = fmt::format("cannot pull {} within the caller's deadline", image);
  if (!outcomes.empty()) message += ": " + describe(outcomes);
  return Reply::error(StatusCode::deadline_exceeded, std::move(message));
}

boost::asio::awaitable<Reply> pull_image(Call call, std::string message) {
  wire::PullImageRequest request;
  const bool is_readable = request.ParseFromString(message);
  auto reference = image::Reference::parse(request.image().image());
  const std::string_view why_forwarded = !is_readable                                  ? "its request cannot be read"
                                         : !call.resolver.has_entries()                ? "no registry is configured"
                                         : image::is_image_id(request.image().image()) ? "it is an image ID"
                                         : !reference                                  ? "it is not an image name"
                                                                                       : "";
  if (!why_forwarded.empty()) {
    PullLog log(request.image().image(), request.sandbox_config().metadata().namespace_());
    Reply reply =
        co_await call.runtime.call(call.caller, Service::image, "PullImage", std::move(message), call.timeout);
    log.forwarded(why_forwarded, reply);
    co_return reply;
  }
  Pull pull(call, std::move(message), std::move(request), std::move(*reference));
  co_return co_await pull.run();
}

}  // namespace shim::cri
