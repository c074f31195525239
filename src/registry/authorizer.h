// Answers a registry's challenges: which `Authorization` goes with a request to an entry's own host.
//
// The credentials of an entry are sent to its own host and to the token realm that this host names, and to nobody else
// (DESIGN 4). What a host wants is remembered, so that later requests carry it at once. Runs on the I/O thread.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <expected>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "base/secret.h"
#include "http/client.h"
#include "http/url.h"
#include "registry/challenge.h"
#include "registry/entry.h"
#include "registry/refusal.h"
#include "registry/token.h"

namespace shim::registry {

struct Authorization {
  Secret value;           // of the `Authorization` field
  bool is_fresh = false;  // made for the challenge in hand: another 401 is final
};

class Authorizer {
 public:
  struct Options {
    std::chrono::seconds max_token_age{600};
    std::size_t max_tokens = 1024;
    std::function<Clock::time_point()> now = &Clock::now;  // for the age of tokens
  };

  // `http` must outlive it.
  Authorizer(http::Client& http, Options options);

  // What the entry's host is known to want for `repository`; nothing where it has not asked yet. Errors: the password
  // file cannot be read.
  std::expected<std::optional<Authorization>, Refusal> known(const Entry& entry, const std::string& repository) const;

  // The answer to the challenges of a 401 from the entry's own host, `rejected` being what that request carried.
  boost::asio::awaitable<std::expected<Authorization, Refusal>> answer(const Entry& entry,
                                                                       const std::string& repository,
                                                                       const http::Headers& unauthorized,
                                                                       const std::optional<Authorization>& rejected,
                                                                       Clock::time_point deadline);

 private:
  // What a host asked for last.
  struct Wanted {
    bool is_basic = false;
    std::string realm;
    std::string service;
  };

  boost::asio::awaitable<std::expected<Authorization, Refusal>> bearer(const Entry& entry,
                                                                       const std::string& repository,
                                                                       const Challenge& challenge,
                                                                       const std::optional<Authorization>& rejected,
                                                                       Clock::time_point deadline);
  boost::asio::awaitable<std::expected<Token, Refusal>> fetch(const Entry& entry, const http::Url& realm,
                                                              const TokenKey& key, Clock::time_point deadline);

  http::Client& http_;
  Options options_;
  TokenCache tokens_;
  std::map<std::string, Wanted> wanted_;  // by the API's URL: at most one for each entry
};

// Milliseconds until `deadline`; 0 where it has passed.
std::chrono::milliseconds time_until(Clock::time_point deadline);

}  // namespace shim::registry
