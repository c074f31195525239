#include "registry/token.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <tuple>
#include <utility>

namespace shim::registry {
namespace {

using nlohmann::json;

constexpr std::chrono::seconds kLongestLifetime = std::chrono::hours(24);

// A token goes into a header field: visible characters only.
bool is_token_text(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c > ' ' && c < '\x7f'; });
}

}  // namespace

Expected<Token> parse_token(std::string_view text) {
  json answer = json::parse(
      text, [](int depth, json::parse_event_t, const json&) { return depth <= 1; },
      /*allow_exceptions=*/false);
  if (!answer.is_object()) return fail("the token endpoint's answer is not a JSON object");
  Token token;
  for (const char* name : {"token", "access_token"}) {
    const auto found = answer.find(name);
    if (found == answer.end() || !found->is_string() || found->get_ref<const std::string&>().empty()) continue;
    token.value = Secret(std::move(found->get_ref<std::string&>()));
    break;
  }
  if (!is_token_text(token.value.reveal())) return fail("the token endpoint's answer has no usable token");
  if (const auto lifetime = answer.find("expires_in"); lifetime != answer.end() && lifetime->is_number()) {
    const double seconds = std::clamp(lifetime->get<double>(), 0.0, static_cast<double>(kLongestLifetime.count()));
    token.lifetime = std::chrono::seconds(static_cast<long>(seconds));
  }
  return token;
}

bool operator<(const TokenKey& a, const TokenKey& b) {
  const auto all_of = [](const TokenKey& key) {
    return std::tuple<std::string_view, std::string_view, std::string_view, std::string_view, std::string_view,
                      std::string_view, std::string_view>(key.realm, key.service, key.scope, key.registry,
                                                          key.credential.username, key.credential.password.reveal(),
                                                          key.credential.identity_token.reveal());
  };
  return all_of(a) < all_of(b);
}

std::optional<Secret> TokenCache::find(const TokenKey& key, Clock::time_point now) const {
  const auto found = tokens_.find(index_of(key));
  if (found == tokens_.end() || found->second.expires <= now || found->second.credential != key.credential) {
    return std::nullopt;
  }
  return found->second.token;
}

void TokenCache::store(const TokenKey& key, Secret token, Clock::time_point expires) {
  tokens_.insert_or_assign(index_of(key), Entry{key.credential, std::move(token), expires});
  if (tokens_.size() <= capacity_) return;
  tokens_.erase(std::ranges::min_element(tokens_, {}, [](const auto& each) { return each.second.expires; }));
}

void TokenCache::copy(const TokenCache& former, const std::set<std::string>& registries) {
  for (const auto& [index, entry] : former.tokens_) {
    if (registries.contains(index.registry) && tokens_.size() < capacity_) tokens_.insert_or_assign(index, entry);
  }
}

}  // namespace shim::registry
