#include "commands/registry_look.h"

#include <expected>
#include <utility>

#include "http/url.h"
#include "registry/health.h"

namespace shim::commands {
namespace {

using TimePoint = std::chrono::steady_clock::time_point;
using Answer = std::expected<http::Response, http::Failure>;

constexpr int kRedirects = 3;  // the hundreds of its status

http::Request question(const registry::Entry& entry, TimePoint deadline) {
  http::Request request;
  request.url = entry.address.api_url() + "/v2/";
  request.tls = entry.tls;
  request.wants_certificate = true;
  request.timeout = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
  return request;
}

http::TlsOptions unverified() {
  http::TlsOptions tls;
  tls.insecure_skip_verify = true;
  return tls;
}

std::string redirect_of(const http::Response& response, const std::string& asked) {
  const auto location = response.headers.find("Location");
  if (response.status / 100 != kRedirects || !location) return {};
  const auto url = http::Url::parse(asked);
  const auto target = url->resolve(*location);
  return target ? target->text() : std::string();
}

}  // namespace

boost::asio::awaitable<RegistryLook> look_at_registry(http::Client& http, registry::Entry entry, TimePoint deadline) {
  http::Request request = question(entry, deadline);
  const std::string asked = request.url;
  Answer answer = co_await http.request(std::move(request));
  if (!answer && answer.error().kind == http::Failure::Kind::tls) {
    http::Request again = question(entry, deadline);
    again.tls = unverified();
    answer = co_await http.request(std::move(again));
  }
  RegistryLook look;
  if (!answer) co_return look;
  look.certificate = answer->certificate;
  look.redirect = redirect_of(*answer, asked);
  if (const auto date = registry::parse_date(answer->headers.find("Date").value_or(""))) {
    look.ahead = *date - std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  }
  co_return look;
}

}  // namespace shim::commands
