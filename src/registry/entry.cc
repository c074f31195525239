#include "registry/entry.h"

#include <utility>

// GCC 12 at -O2 takes Asio's operator delete of a coroutine frame for the wrong one.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace shim::registry {

credentials::Keychain::Question credential_question(const Entry& entry, std::string repository) {
  return {.configured = entry.credential, .host = entry.address.host(), .repository = std::move(repository)};
}

boost::asio::awaitable<Expected<std::optional<PullCredential>>> pull_credential(
    credentials::Keychain& keychain, const Entry& entry, std::string repository,
    std::chrono::steady_clock::time_point deadline) {
  auto question = credential_question(entry, std::move(repository));
  auto credential = co_await keychain.find(std::move(question), deadline);
  if (!credential) co_return std::unexpected(std::move(credential.error()));
  if (credential->is_anonymous()) co_return std::nullopt;
  co_return PullCredential{.credential = std::move(*credential), .server_address = entry.address.api_url()};
}

}  // namespace shim::registry
