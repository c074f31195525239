#include "kubernetes/refusal.h"

#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <optional>
#include <string_view>

#include "base/text.h"
#include "base/units.h"

namespace shim::kubernetes {
namespace {

using Kind = WatchPlan::Outcome::Kind;

// RFC 9110 §10.2.3, in its form of seconds, which API servers use.
std::optional<std::chrono::seconds> retry_after_of(const http::Headers& headers) {
  const auto field = headers.find("Retry-After");
  if (!field) return std::nullopt;
  std::uint32_t seconds = 0;
  const auto [end, error] = std::from_chars(field->data(), field->data() + field->size(), seconds);
  if (error != std::errc() || end != field->data() + field->size()) return std::nullopt;
  return std::chrono::seconds(seconds);
}

Kind kind_of(int code) {
  switch (code) {
    case 401:
      return Kind::unauthorized;
    case 403:
      return Kind::forbidden;
    case 410:
      return Kind::expired;
    default:
      return Kind::lost;
  }
}

std::string with_message(std::string text, const Status& status) {
  return status.message.empty() ? text : fmt::format("{}; it says: {}", text, status.message);
}

std::string forbidden_reason(WatchPlan::Ask asked, const Status& status, const ConfigMapKey& wanted) {
  const std::string user = status.user.empty() ? "its user" : fmt::format("user {}", in_quotes(status.user, 256));
  const std::string rule = fmt::format(
      "{{apiGroups: [\"\"], resources: [configmaps], resourceNames: [{}], verbs: [get, watch]}}", wanted.name);
  return with_message(
      fmt::format("403 Forbidden: {} may not {} it; bind that user to a Role in namespace {} with the rule {} "
                  "(manifests are in deploy/)",
                  user, asked == WatchPlan::Ask::get ? "get" : "watch", wanted.name_space, rule),
      status);
}

std::string reason_of(WatchPlan::Ask asked, const Status& status, const ConfigMapKey& wanted) {
  switch (status.code) {
    case 401:
      return with_message("401 Unauthorized: its credentials are not valid, or not any more", status);
    case 403:
      return forbidden_reason(asked, status, wanted);
    case 410:
      return with_message("410 Gone: changes since the last one seen are no longer known", status);
    default:
      break;
  }
  const std::string later =
      status.retry_after ? ", to be asked again in " + format_duration(*status.retry_after) : std::string();
  return with_message(
      fmt::format("answered {}{}{}", status.code, status.reason.empty() ? "" : " " + status.reason, later), status);
}

}  // namespace

Refusal refusal_of_status(WatchPlan::Ask asked, const Status& status, const ConfigMapKey& wanted) {
  return {.outcome = {.kind = kind_of(status.code), .lasted = {}, .retry_after = status.retry_after},
          .reason = reason_of(asked, status, wanted)};
}

Refusal refusal_of_answer(WatchPlan::Ask asked, const http::Response& answer, const ConfigMapKey& wanted) {
  auto status = parse_status(answer.body);
  const bool is_api_server = status.has_value();
  if (!is_api_server) status.emplace();
  status->code = answer.status;
  if (const auto time = retry_after_of(answer.headers)) status->retry_after = time;
  Refusal refusal = refusal_of_status(asked, *status, wanted);
  const bool has_words = answer.status == 401 || answer.status == 403;
  if (!is_api_server && !has_words) refusal.reason += " without a Status: is it an API server?";
  return refusal;
}

bool says_not_found(const http::Response& answer) {
  if (answer.status != 404) return false;
  const auto status = parse_status(answer.body);
  return status && status->reason == "NotFound";
}

}  // namespace shim::kubernetes
