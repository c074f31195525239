// Bearer tokens: what a token endpoint answers, and those that are still good.
#pragma once

#include <chrono>
#include <compare>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/secret.h"
#include "credentials/credential.h"

namespace shim::registry {

using Clock = std::chrono::steady_clock;

struct Token {
  Secret value;
  // From now: `expires_in`, or the specification's default where it is missing. `issued_at` is not looked at: where
  // this node's clock is wrong it would make a good token a bad one, and one that has expired costs a 401.
  std::chrono::seconds lifetime{60};
};

// Errors: no JSON object, no `token` or `access_token`, or one that cannot stand in a header field.
Expected<Token> parse_token(std::string_view json);

// What a token is good for.
struct TokenKey {
  std::string realm;
  std::string service;
  std::string scope;
  credentials::Credential credential;
  std::string registry{};  // URL of the API that it is for

  friend bool operator<(const TokenKey& a, const TokenKey& b);
};

// Bounded: where it is full, the token that expires next makes room. Not thread-safe.
class TokenCache {
 public:
  explicit TokenCache(std::size_t capacity) : capacity_(capacity) {}

  std::optional<Secret> find(const TokenKey& key, Clock::time_point now) const;
  void store(const TokenKey& key, Secret token, Clock::time_point expires);
  // Those of `former` that are for one of these registries (TokenKey::registry).
  void copy(const TokenCache& former, const std::set<std::string>& registries);
  std::size_t size() const { return tokens_.size(); }

 private:
  struct Index {
    std::string realm;
    std::string service;
    std::string scope;
    std::string username;
    std::string registry;
    auto operator<=>(const Index&) const = default;
  };
  struct Entry {
    credentials::Credential credential;
    Secret token;
    Clock::time_point expires;
  };
  static Index index_of(const TokenKey& key) {
    return {key.realm, key.service, key.scope, key.credential.username, key.registry};
  }

  std::size_t capacity_;
  std::map<Index, Entry> tokens_;
};

}  // namespace shim::registry
