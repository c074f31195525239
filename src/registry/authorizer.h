// Answers a registry's challenges: which `Authorization` goes with a request to an entry's own host.
//
// The credentials of an entry are sent to its own host and to the token realm that this host names, and to nobody else
// (DESIGN 4). What a host wants is remembered, so that later requests carry it at once. Runs on the I/O thread.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "base/secret.h"
#include "base/single_flight.h"
#include "credentials/keychain.h"
#include "http/client.h"
#include "http/url.h"
#include "registry/challenge.h"
#include "registry/entry.h"
#include "registry/refusal.h"
#include "registry/token.h"

namespace shim::registry {

struct Authorization {
  Secret value;                          // of the `Authorization` field
  bool is_fresh = false;                 // made for the challenge in hand: another 401 refuses the credential
  credentials::Credential credential{};  // that it was made of
};

class Authorizer {
 public:
  struct Options {
    std::chrono::seconds max_token_age{600};
    std::size_t max_tokens = 1024;
    std::function<Clock::time_point()> now = &Clock::now;  // for the age of tokens
    std::shared_ptr<credentials::Keychain> keychain = std::make_shared<credentials::Keychain>();
  };

  // `http` must outlive it.
  Authorizer(http::Client& http, Options options);
  // What `former` knows of the registries with these API URLs. Its tokens only where they may be used for as long.
  void take_over(const Authorizer& former, const std::set<std::string>& registries);

  // What the entry's host is known to want for `repository`; nothing where it has not asked yet. Errors: its credential
  // cannot be had (Keychain::find).
  boost::asio::awaitable<std::expected<std::optional<Authorization>, Refusal>> known(const Entry& entry,
                                                                                     const std::string& repository,
                                                                                     Clock::time_point deadline);

  // The answer to the challenges of a 401 from the entry's own host, `rejected` being what that request carried. A
  // credential that was refused is asked for once more: its source may have another by now.
  boost::asio::awaitable<std::expected<Authorization, Refusal>> answer(const Entry& entry,
                                                                       const std::string& repository,
                                                                       const http::Headers& unauthorized,
                                                                       const std::optional<Authorization>& rejected,
                                                                       Clock::time_point deadline);

  // Whose access a refusal is about, for messages: the credential that was found for the entry last; anonymous where
  // its host has not asked for one.
  credentials::Credential last_credential(const Entry& entry) const;

 private:
  // What a host asked for last.
  struct Wanted {
    bool is_basic = false;
    std::string realm;
    std::string service;
  };

  using Question = credentials::Keychain::Question;
  using TokenAnswer = std::expected<Token, Refusal>;

  boost::asio::awaitable<std::expected<credentials::Credential, Refusal>> find(const Entry& entry,
                                                                               const Question& question,
                                                                               Clock::time_point deadline);
  std::expected<Authorization, Refusal> basic(const Entry& entry, const credentials::Credential& credential);
  boost::asio::awaitable<std::expected<Authorization, Refusal>> bearer(const Entry& entry, const Question& question,
                                                                       const Challenge& challenge,
                                                                       credentials::Credential credential,
                                                                       const std::optional<Authorization>& rejected,
                                                                       Clock::time_point deadline);
  // One request for all who want the same token at the same time.
  boost::asio::awaitable<TokenAnswer> fetch(const Entry& entry, const http::Url& realm, const TokenKey& key,
                                            Clock::time_point deadline);

  http::Client& http_;
  Options options_;
  std::shared_ptr<TokenCache> tokens_;  // shared with requests under way, which may outlive this
  SingleFlight<TokenKey, TokenAnswer> fetching_{Abandoned::is_cancelled};
  std::map<std::string, credentials::Credential> last_credentials_;  // by the API's URL
  std::map<std::string, Wanted> wanted_;                             // by the API's URL: at most one for each entry
};

// Milliseconds until `deadline`; 0 where it has passed.
std::chrono::milliseconds time_until(Clock::time_point deadline);

}  // namespace shim::registry
