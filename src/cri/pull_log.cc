#include "cri/pull_log.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "base/text.h"
#include "base/units.h"

namespace shim::cri {
namespace {

using registry::Outcome;

constexpr std::size_t kMaxName = 512;  // a reference is shorter; what is none may have any length

std::string source_and_reason(const Outcome& outcome) {
  return outcome.source + ": " + (outcome.reason.empty() ? "has it" : outcome.reason);
}

// Why what comes before the chosen source was not it, and what was pulled from in vain.
std::vector<std::string> passed_over(const std::vector<Outcome>& outcomes, const PullLog::Source& chosen) {
  std::vector<std::string> reasons;
  bool is_before = true;
  for (const Outcome& outcome : outcomes) {
    const bool was_tried = outcome.kind == Outcome::Kind::pull_failed;
    if (outcome.source == chosen.registry && !was_tried) {
      is_before = false;
    } else if (!outcome.reason.empty() && (is_before || was_tried)) {
      reasons.push_back(source_and_reason(outcome));
    }
  }
  return reasons;
}

std::string priority_text(const PullLog::Source& source) {
  return source.priority ? std::to_string(*source.priority) : "fallback";
}

// Of a pull that failed: an image that nobody has is the pod's mistake, all else needs somebody to look at the node.
spdlog::level::level_enum level_of(const http2::Status& status) {
  return status.code == http2::StatusCode::not_found ? spdlog::level::warn : spdlog::level::err;
}

}  // namespace

PullLog::PullLog(std::string_view image, std::string_view pod_namespace)
    : image_(printable(image, kMaxName)), pod_namespace_(printable(pod_namespace, kMaxName)) {}

PullLog::~PullLog() {
  if (!has_ended_) tell_cancelled();
}

void PullLog::attempt_begins(Source source) {
  if (failed_) {
    LogFields fields;
    fields.text("event", "failover").text("image", image_);
    fields.text("registry", source_->registry).text("result", source_->name);
    fields.text("next_registry", source.registry).text("next_result", source.name);
    log_event(spdlog::level::warn,
              fmt::format("pull of {} from {} as {} failed, going on from {} as {}: {}", image_, source_->registry,
                          source_->name, source.registry, source.name, *failed_),
              "", fields);
  }
  failed_.reset();
  source_ = std::move(source);
  ++attempts_;
}

void PullLog::attempt_failed(const http2::Status& status) {
  failed_ = fmt::format("{}: {}", http2::status_name(status.code), status.message);
}

void PullLog::pulled(const std::vector<Outcome>& outcomes) {
  has_ended_ = true;
  const std::vector<std::string> others = passed_over(outcomes, *source_);
  LogFields fields = this->fields("pulled");
  fields.list("passed_over", others);
  std::string measured = this->measured();
  if (!others.empty()) measured += fmt::format(" passed_over=[{}]", fmt::join(others, "; "));
  log_event(spdlog::level::info,
            fmt::format("priority match: image={} action=PullImage matched_registry={} priority={} result={}", image_,
                        source_->registry, priority_text(*source_), source_->name),
            measured, fields);
}

void PullLog::failed(const http2::Status& status, const std::vector<Outcome>& outcomes) {
  has_ended_ = true;
  std::vector<std::string> tried;
  for (const Outcome& outcome : outcomes) tried.push_back(source_and_reason(outcome));
  LogFields fields = this->fields("failed");
  fields.text("code", http2::status_name(status.code)).list("tried", tried);
  log_event(level_of(status), status.message, measured(), fields);
}

void PullLog::forwarded(std::string_view why, const Reply& reply) {
  if (reply.is_cancelled) return;
  has_ended_ = true;
  ++attempts_;
  LogFields fields = this->fields(reply.is_ok() ? "pulled" : "failed");
  if (!reply.is_ok()) fields.text("code", http2::status_name(reply.status.code));
  const std::string pull = fmt::format("pull of {} was forwarded as it is ({})", in_quotes(image_, kMaxName), why);
  if (reply.is_ok()) {
    log_event(spdlog::level::info, pull, measured(), fields);
  } else {
    log_event(level_of(reply.status),
              fmt::format("{} and failed: {}: {}", pull, http2::status_name(reply.status.code), reply.status.message),
              measured(), fields);
  }
}

void PullLog::tell_cancelled() const {
  log_event(spdlog::level::info,
            source_ ? fmt::format("pull of {} was cancelled while {} was pulled from {}", image_, source_->name,
                                  source_->registry)
                    : fmt::format("pull of {} was cancelled before it was pulled from anywhere", image_),
            measured(), fields("cancelled"));
}

std::string PullLog::measured() const {
  const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(elapsed());
  return fmt::format(" duration={} attempts={}", format_duration(milliseconds), attempts_);
}

LogFields PullLog::fields(std::string_view outcome) const {
  LogFields fields;
  fields.text("event", "pull").text("outcome", outcome).text("image", image_);
  pod_namespace_.empty() ? fields.null("namespace") : fields.text("namespace", pod_namespace_);
  source_ ? fields.text("registry", source_->registry) : fields.null("registry");
  source_ && source_->priority ? fields.number("priority", *source_->priority) : fields.null("priority");
  source_ ? fields.text("result", source_->name) : fields.null("result");
  // The runtime does not say how much it has transferred; the size that ImageStatus gives counts layers that were there
  // before, and would cost each pull another call.
  fields.number("attempts", attempts_).seconds("duration_seconds", elapsed()).null("bytes");
  return fields;
}

std::chrono::nanoseconds PullLog::elapsed() const {
  return std::chrono::steady_clock::now() - begin_;
}

}  // namespace shim::cri
