#include "registry/entry.h"

#include <string_view>
#include <utility>

namespace shim::registry {
namespace {

std::string_view without_port(std::string_view host) {
  const auto colon = host.rfind(':');
  const auto bracket = host.rfind(']');
  const bool has_port = colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket);
  return has_port ? host.substr(0, colon) : host;
}

}  // namespace

image::MatchRule default_rule(const image::Address& address) {
  const std::string_view host = without_port(address.host());
  const std::string_view wanted = image::is_public_registry(host) ? image::origin_of_public_registry(host) : "*";
  image::MatchRule rule;
  if (auto pattern = image::Pattern::parse(wanted)) rule.match.push_back(std::move(*pattern));
  return rule;
}

Expected<std::optional<PullCredential>> pull_credential(const Entry& entry) {
  if (entry.credential.is_anonymous()) return std::nullopt;
  auto credential = credentials::with_password_read(entry.credential);
  if (!credential) return std::unexpected(credential.error());
  return PullCredential{.credential = std::move(*credential), .server_address = entry.address.api_url()};
}

}  // namespace shim::registry
