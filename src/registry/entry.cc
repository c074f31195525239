#include "registry/entry.h"

#include <utility>

namespace shim::registry {

Expected<std::optional<PullCredential>> pull_credential(const Entry& entry) {
  if (entry.credential.is_anonymous()) return std::nullopt;
  auto credential = credentials::with_password_read(entry.credential);
  if (!credential) return std::unexpected(credential.error());
  return PullCredential{.credential = std::move(*credential), .server_address = entry.address.api_url()};
}

}  // namespace shim::registry
