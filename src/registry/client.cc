#include "registry/client.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "registry/manifest.h"
#include "registry/verdict.h"

// GCC 12 at -O2 takes Asio's operator delete of a coroutine frame for the wrong one.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace shim::registry {

namespace asio = boost::asio;

namespace {

constexpr std::size_t kMaxManifestBytes = 4 * 1024 * 1024;
constexpr int kMaxRedirects = 5;
constexpr int kMaxRounds = 3;  // a token that is no longer good, then a fresh one

bool knows_no_head(int status) {
  return status == 400 || status == 405 || status == 501;
}
bool is_redirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

std::string manifest_url(const Entry& entry, const Candidate& candidate) {
  return fmt::format("{}/v2/{}/manifests/{}", entry.address.api_url(), candidate.repository, candidate.tag_or_digest);
}

http::Request request_of(http::Method method, std::string url, const http::TlsOptions& tls,
                         Clock::time_point deadline) {
  http::Request request;
  request.method = method;
  request.url = std::move(url);
  request.tls = tls;
  request.headers.add("Accept", manifest_media_types());
  request.timeout = time_until(deadline);
  request.max_body_bytes = kMaxManifestBytes;
  return request;
}

// The peer has answered, but with what leads nowhere.
std::unexpected<Refusal> failed(std::string reason) {
  return std::unexpected(Refusal{Outcome::Kind::failed, std::move(reason), Health{.kind = Health::Kind::answered}});
}

// A 401 is an answer, whatever keeps this node from finding the credentials for it.
Refusal unanswered_challenge(Refusal refusal) {
  const bool has_asked_nobody =
      refusal.health.kind == Health::Kind::unknown && refusal.kind != Outcome::Kind::unreachable;
  if (has_asked_nobody) refusal.health = {.kind = Health::Kind::answered};
  return refusal;
}

Outcome outcome_of(std::string source, std::string name, Verdict verdict, const Health& health) {
  return {.source = std::move(source),
          .name = std::move(name),
          .kind = verdict.kind,
          .reason = std::move(verdict.reason),
          .rules_out_pull = verdict.rules_out_pull,
          .health = health};
}

}  // namespace

RegistryClient::RegistryClient(http::Client& http, RegistryClientOptions options)
    : http_(http), platform_(std::move(options.platform)), authorizer_(http, std::move(options.authorization)) {}

asio::awaitable<Outcome> RegistryClient::probe(const Entry& entry, const Candidate& candidate,
                                               Clock::time_point deadline) {
  const Question question{entry, manifest_url(entry, candidate), candidate.repository, deadline};
  const auto judge = [&](const Answer& answer) -> Verdict {
    if (!answer) return {answer.error().kind, answer.error().reason};
    return judge_manifest(*answer, candidate.tag_or_digest, entry.address.host(), authorizer_.last_credential(entry));
  };
  auto method = http::Method::head;
  Answer answer = co_await ask(question, method);
  if (answer && knows_no_head(answer->status)) {
    method = http::Method::get;
    answer = co_await ask(question, method);
  }
  Verdict verdict = judge(answer);
  if (verdict.kind == Outcome::Kind::holds && is_index(answer->headers.find("Content-Type").value_or(""))) {
    if (method == http::Method::head) {
      answer = co_await ask(question, http::Method::get);
      verdict = judge(answer);
    }
    if (verdict.kind == Outcome::Kind::holds) verdict = judge_platforms(answer->body);
  }
  const Health health = answer ? health_of_answer(*answer) : answer.error().health;
  co_return outcome_of(entry.address.text(), candidate.name, std::move(verdict), health);
}

asio::awaitable<Outcome> RegistryClient::ping(const Entry& entry, Clock::time_point deadline) {
  const Question question{entry, entry.address.api_url() + "/v2/", "", deadline};
  const Answer answer = co_await ask(question, http::Method::get);
  Verdict verdict = answer ? judge_base(*answer, entry.address.host(), authorizer_.last_credential(entry))
                           : Verdict{answer.error().kind, answer.error().reason};
  const Health health = answer ? health_of_answer(*answer) : answer.error().health;
  co_return outcome_of(entry.address.text(), entry.address.host(), std::move(verdict), health);
}

Verdict RegistryClient::judge_platforms(std::string_view index) const {
  const auto checked = check_index(index, platform_);
  if (checked) return {Outcome::Kind::holds};
  const auto kind = checked.error().is_other_platform ? Outcome::Kind::other_platform : Outcome::Kind::failed;
  return {kind, checked.error().message, true};
}

asio::awaitable<RegistryClient::Answer> RegistryClient::ask(const Question& question, http::Method method) {
  Answer answer = co_await ask_entry(question, method);
  if (!answer || !is_redirect(answer->status)) co_return answer;
  const Answer redirect = std::move(answer);
  answer = co_await follow(question, method, *redirect);
  co_return answer;
}

asio::awaitable<RegistryClient::Answer> RegistryClient::ask_entry(const Question& question, http::Method method) {
  const Entry& entry = question.entry;
  auto known = co_await authorizer_.known(entry, question.repository, question.deadline);
  if (!known) co_return std::unexpected(known.error());
  std::optional<Authorization> authorization = std::move(*known);
  for (int round = 1;; ++round) {
    auto request = request_of(method, question.url, entry.tls, question.deadline);
    if (authorization) request.authorization = authorization->value;
    auto response = co_await http_.request(std::move(request));
    if (!response) co_return std::unexpected(refusal_of_host(response.error(), question.url));
    if (response->status != 401 || round == kMaxRounds) co_return std::move(*response);
    auto answer =
        co_await authorizer_.answer(entry, question.repository, response->headers, authorization, question.deadline);
    if (!answer) co_return std::unexpected(unanswered_challenge(std::move(answer.error())));
    authorization = std::move(*answer);
  }
}

// Neither the credentials nor the client certificate of the entry go to where its host points.
asio::awaitable<RegistryClient::Answer> RegistryClient::follow(const Question& question, http::Method method,
                                                               const http::Response& redirect) {
  http::TlsOptions tls = question.entry.tls;
  tls.cert.clear();
  tls.key.clear();
  tls.cert_data.clear();
  tls.key_data = {};
  const std::string& host = question.entry.address.host();
  auto url = http::Url::parse(question.url);
  http::Response response = redirect;
  for (int redirects = 0; is_redirect(response.status); ++redirects) {
    if (redirects == kMaxRedirects) co_return failed(host + " redirects more than 5 times");
    const auto location = response.headers.find("Location");
    auto target = url->resolve(location.value_or(""));
    if (!location || !target) co_return failed(host + " redirects to what is no URL");
    if (url->is_secure() && !target->is_secure()) {
      co_return failed(fmt::format("{} redirects to plain HTTP, {}", host, target->origin()));
    }
    url = std::move(target);
    auto request = request_of(method, url->text(), tls, question.deadline);
    auto next = co_await http_.request(std::move(request));
    if (!next) {
      Refusal refusal = refusal_of_failure(next.error());
      refusal.reason = fmt::format("{} redirects to {}", host, refusal.reason);
      co_return std::unexpected(std::move(refusal));
    }
    response = std::move(*next);
  }
  if (response.status == 401 || response.status == 403) {
    Refusal refusal{Outcome::Kind::refused, "", health_of_answer(response)};
    refusal.reason = fmt::format("{}: {} redirects to {}, where credentials are not sent", status_text(response.status),
                                 host, url->origin());
    co_return std::unexpected(std::move(refusal));
  }
  co_return response;
}

}  // namespace shim::registry
