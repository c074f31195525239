// Which registry has an image: the candidates of DESIGN 3, asked over the network where needed.
//
// One Resolver per configuration: a reload makes a new one. A Resolution in progress keeps the entries that it began
// with alive, so a Resolver may go while its Resolutions run. Everything runs on the I/O thread.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "credentials/keychain.h"
#include "image/reference.h"
#include "registry/candidate.h"
#include "registry/entry.h"
#include "registry/outcome.h"

namespace shim::http {
class Client;
}

namespace shim::registry {

struct ResolveRequest {
  std::string pod_namespace{};           // empty: none known
  bool caller_sent_credentials = false;  // the kubelet's own AuthConfig: the original host is not probed then
};

struct ResolverOptions {
  std::chrono::milliseconds probe_timeout{2000};  // for all probes that one next() waits for (`probe.timeout`)
  std::chrono::seconds max_token_age{600};        // a bearer token is used no longer (`cache.domainCacheTTL`)
  Fallback fallback = Fallback::upstream;
  // Where credentials come from; by default only from the entries themselves.
  std::shared_ptr<credentials::Keychain> keychain = std::make_shared<credentials::Keychain>();
};

// One pull's walk over its candidates: holders by priority, then the entries that gave no clear answer, then the
// original reference. Not thread-safe. The candidates and entries that it returns live as long as the Resolution.
class Resolution {
 public:
  struct State;
  explicit Resolution(std::unique_ptr<State> state);  // made by Resolver::resolve
  Resolution(Resolution&&) = delete;
  ~Resolution();

  // The next candidate to pull from, probing as needed; nothing when no candidate is left. An entry that said no is
  // never returned. A cancelled coroutine gets nothing, and no outcome is recorded for what was being asked.
  boost::asio::awaitable<std::optional<Candidate>> next();
  // The runtime failed to pull the candidate that next() returned last.
  void pull_failed(std::string reason);
  // Everything asked or tried so far, in the order of the candidates.
  std::vector<Outcome> outcomes() const;
  // A digest given up by `digestFallback: tag`, a rewrite that made no valid path.
  const std::vector<std::string>& warnings() const;

 private:
  std::unique_ptr<State> state_;
};

class Resolver {
 public:
  // `entries` in file order, the offline registry wherever it stands. `http` must outlive the Resolver and every
  // Resolution.
  Resolver(std::vector<Entry> entries, ResolverOptions options, http::Client& http);
  Resolver(Resolver&&) = delete;
  ~Resolver();

  // False where nothing is configured: then every image is forwarded as it is named.
  bool has_entries() const;
  // Asks nothing yet.
  std::unique_ptr<Resolution> resolve(const image::Reference& reference, ResolveRequest request) const;
  // Every name that the image may have been pulled under, for a pod of whatever namespace, best first; no network. The
  // result borrows from the Resolver.
  std::vector<Candidate> names(const image::Reference& reference) const;
  credentials::Keychain& keychain() const;

 private:
  struct Shared;
  friend struct Resolution::State;
  std::shared_ptr<Shared> shared_;
};

}  // namespace shim::registry
