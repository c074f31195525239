// Which registry has an image: the candidates of DESIGN 3, asked over the network where needed.
//
// One Resolver per configuration: a reload makes a new one, which takes over from the old one the circuit breakers, the
// counts, and what is known of entries that have not changed: answers, tokens, answers of credential programs. What
// belongs to changed or removed entries goes. A Resolution in progress keeps the entries that it began with alive, so a
// Resolver may go while its Resolutions run; probes in flight do, too. Everything runs on the I/O thread.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "credentials/keychain.h"
#include "image/reference.h"
#include "registry/answer_cache.h"
#include "registry/breaker.h"
#include "registry/candidate.h"
#include "registry/entry.h"
#include "registry/explanation.h"
#include "registry/outcome.h"
#include "registry/statistics.h"

namespace shim::http {
class Client;
}

namespace shim::registry {

class Probes;

struct ResolveRequest {
  std::string pod_namespace{};           // empty: none known
  bool caller_sent_credentials = false;  // the kubelet's own AuthConfig: the original host is not probed then
  std::optional<std::chrono::steady_clock::time_point> deadline{};  // the caller's: no candidate is given after it
};

struct ResolverOptions {
  std::chrono::milliseconds probe_timeout{2000};  // of a probe, and for all that one next() waits for (`probe.timeout`)
  std::chrono::nanoseconds hedge_delay = std::chrono::milliseconds(150);  // `probe.hedgeDelay`
  Breaker::Options breaker{};                                             // `probe.failureThreshold`, …
  AnswerCache::Options cache{};                                           // `cache.imageCacheSize`, …
  std::chrono::seconds max_token_age{600};  // a bearer token is used no longer (`cache.domainCacheTTL`)
  Fallback fallback = Fallback::upstream;
  // Where credentials come from; by default only from the entries themselves.
  std::shared_ptr<credentials::Keychain> keychain = std::make_shared<credentials::Keychain>();
};

// One pull's walk over its candidates: holders by priority, then the entries that gave no clear answer, then the
// original reference, then the entries that are left out because their registry is known to be down: those must not
// delay the original, but the runtime may still reach them in a way of its own. Not thread-safe. The candidates and
// entries that it returns live as long as the Resolution.
class Resolution {
 public:
  struct State;
  explicit Resolution(std::unique_ptr<State> state);  // made by Resolver::resolve
  Resolution(Resolution&&) = delete;
  ~Resolution();

  // The next candidate to pull from, chosen anew from what is known now, and probing as needed; nothing when no
  // candidate is left, or when the caller's deadline has passed. An entry that said no is never returned. The time
  // between two calls is no time for probing: each has the whole `probe_timeout`. A cancelled coroutine gets nothing,
  // and what was being asked goes on without it.
  boost::asio::awaitable<std::optional<Candidate>> next();
  // The runtime failed to pull the candidate that next() returned last, or pulled it.
  void pull_failed(std::string reason);
  void pull_succeeded();
  // Everything asked, left out or tried so far, in the order of the candidates.
  std::vector<Outcome> outcomes() const;
  // A digest given up by `digestFallback: tag`, a rewrite that made no valid path.
  const std::vector<std::string>& warnings() const;

 private:
  std::unique_ptr<State> state_;
};

class Resolver {
 public:
  // `entries` in file order, the offline registry wherever it stands. `http` must live as long as `executor` runs.
  // `former` is the Resolver that this one takes the place of, or null; it is not needed afterwards, and what it knew
  // is known to this one alone.
  Resolver(std::vector<Entry> entries, ResolverOptions options, http::Client& http,
           boost::asio::any_io_executor executor, const Resolver* former = nullptr);
  Resolver(Resolver&&) = delete;
  // No registry is checked in the background from now on.
  ~Resolver();

  // In file order, the offline one last: as in Statistics::registries.
  const std::vector<Entry>& entries() const;
  // False where nothing is configured: then every image is forwarded as it is named.
  bool has_entries() const;
  // Asks nothing yet.
  std::unique_ptr<Resolution> resolve(const image::Reference& reference, ResolveRequest request) const;
  // Every name that the image may have been pulled under, for a pod of whatever namespace, best first; no network. The
  // result borrows from the Resolver.
  std::vector<Candidate> names(const image::Reference& reference) const;
  // Where resolve() would have the image pulled from now, and why. Entries without a known answer are asked, all at
  // once, within `probe_timeout`. Borrows nothing: the Resolver may go meanwhile. A cancelled coroutine gets what is
  // known so far.
  boost::asio::awaitable<Explanation> explain(const image::Reference& reference, ResolveRequest request) const;
  // Since the first of those that it takes the place of was made.
  Statistics statistics() const;
  credentials::Keychain& keychain() const;

 private:
  std::unique_ptr<Resolution::State> begin(const image::Reference& reference, ResolveRequest request) const;

  const std::vector<Entry> entries_of_all_namespaces_;  // what names() looks through
  const ResolverOptions options_;
  const std::shared_ptr<Probes> probes_;
};

}  // namespace shim::registry
