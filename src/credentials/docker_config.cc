#include "credentials/docker_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/text.h"

namespace shim::credentials {
namespace {

using nlohmann::json;

constexpr std::string_view kHub = "docker.io";
constexpr std::string_view kHubServer = "https://index.docker.io/v1/";
constexpr std::string_view kTokenUser = "<token>";
constexpr std::string_view kNotFound = "credentials not found in native keychain";

std::string lower(std::string_view text) {
  std::string lowered(text);
  for (char& c : lowered) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return lowered;
}

// `host[:port][/path]` without scheme, API version and slashes at the end; the Hub under its one name.
std::string normal_key(std::string_view key) {
  if (const std::size_t scheme = key.find("://"); scheme != std::string_view::npos) key.remove_prefix(scheme + 3);
  while (key.ends_with('/')) key.remove_suffix(1);
  const std::size_t slash = std::min(key.find('/'), key.size());
  std::string host = lower(key.substr(0, slash));
  if (host == "index.docker.io" || host == "registry-1.docker.io") host = kHub;
  std::string_view path = key.substr(slash);
  for (const std::string_view version : {"/v1", "/v2"}) {
    if (path == version || path.starts_with(std::string(version) + "/")) path.remove_prefix(version.size());
  }
  return host.append(path);
}

// RFC 4648 §4, with or without its padding; nothing for anything else.
std::optional<Secret> base64_decoded(std::string_view text) {
  while (text.ends_with('=')) text.remove_suffix(1);
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3 + 3);  // one allocation: no copy of it stays behind
  std::uint32_t group = 0;
  int bits = 0;
  for (const char c : text) {
    constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const std::size_t value = kAlphabet.find(c);
    if (value == std::string_view::npos) return std::nullopt;
    group = (group << 6 | static_cast<std::uint32_t>(value)) & 0xffffff;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    bytes += static_cast<char>(group >> bits & 0xff);
  }
  if (bits == 6) return std::nullopt;  // half a byte
  return Secret(std::move(bytes));
}

// The text member `name`, which may be missing or null.
Expected<std::string_view> text_of(const json& block, const char* name) {
  const auto found = block.find(name);
  if (found == block.end() || found->is_null()) return std::string_view();
  if (!found->is_string()) return fail(fmt::format("{} is not text", name));
  return std::string_view(found->get_ref<const std::string&>());
}

Expected<Credential> pair_of(std::string_view encoded) {
  const auto decoded = base64_decoded(encoded);
  const std::string_view pair = decoded ? decoded->reveal() : std::string_view();
  const std::size_t colon = pair.find(':');
  if (colon == std::string_view::npos || colon == 0) return fail("auth is not the base64 of user:password");
  std::string_view password = pair.substr(colon + 1);
  while (password.ends_with('\0')) password.remove_suffix(1);  // docker's own padding of long ago
  return Credential{.username = std::string(pair.substr(0, colon)), .password = Secret(password)};
}

Expected<std::optional<Credential>> credential_of(const json& block) {
  if (!block.is_object()) return fail("it is not an object");
  for (const char* name : {"auth", "username", "password", "identitytoken"}) {
    if (const auto text = text_of(block, name); !text) return std::unexpected(text.error());
  }
  Credential credential;
  if (const std::string_view encoded = *text_of(block, "auth"); !encoded.empty()) {
    auto pair = pair_of(encoded);
    if (!pair) return std::unexpected(pair.error());
    credential = std::move(*pair);
  } else {
    credential.username = *text_of(block, "username");
    credential.password = Secret(*text_of(block, "password"));
  }
  const std::string_view token = *text_of(block, "identitytoken");
  if (!token.empty()) {
    return Credential{.username = credential.username == kTokenUser ? "" : credential.username,
                      .identity_token = Secret(token)};
  }
  if (credential.username.empty() && credential.password.empty()) return std::nullopt;
  if (credential.username.empty()) return fail("username is missing");
  if (credential.username.find(':') != std::string::npos) return fail("a user name holds no colon (RFC 7617)");
  return credential;
}

// Part of a program's name, which is looked for in PATH.
bool is_helper_name(std::string_view name) {
  return !name.empty() && name.size() <= 64 && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '.';
  });
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t first = std::min(text.find_first_not_of(kSpace), text.size());
  text.remove_prefix(first);
  return text.substr(0, text.find_last_not_of(kSpace) + 1);
}

}  // namespace

Expected<DockerConfig> DockerConfig::parse(std::string content, const std::string& path) {
  const Secret text(std::move(content));
  const auto failed = [&](std::string_view why) { return fail(fmt::format("{}: {}", printable(path, 512), why)); };
  const json file = json::parse(text.reveal(), nullptr, /*allow_exceptions=*/false);
  if (!file.is_object()) return failed("not a JSON object");
  DockerConfig config;
  for (const char* name : {"auths", "credHelpers"}) {
    const auto found = file.find(name);
    if (found != file.end() && !found->is_null() && !found->is_object()) {
      return failed(fmt::format("{} is not an object", name));
    }
  }
  if (const auto auths = file.find("auths"); auths != file.end() && auths->is_object()) {
    for (const auto& [key, block] : auths->items()) {
      config.auths_.try_emplace(normal_key(key), Auth{key, credential_of(block)});
    }
  }
  if (const auto helpers = file.find("credHelpers"); helpers != file.end() && helpers->is_object()) {
    for (const auto& [key, name] : helpers->items()) {
      if (!name.is_string()) return failed(fmt::format("credHelpers[{}] is not text", in_quotes(key)));
      config.helpers_.try_emplace(normal_key(key), name.get_ref<const std::string&>());
    }
  }
  const auto store = text_of(file, "credsStore");
  if (!store) return failed(store.error().message);
  config.store_ = *store;
  return config;
}

Expected<std::optional<Credential>> DockerConfig::find(std::string_view host, std::string_view repository) const {
  std::string location = lower(host);
  if (!repository.empty()) location.append("/").append(repository);
  for (;;) {
    if (const auto found = auths_.find(location); found != auths_.end()) {
      const Auth& auth = found->second;
      if (!auth.credential) return fail(fmt::format("auths[{}]: {}", in_quotes(auth.key), auth.credential.error().message));
      if (*auth.credential) return auth.credential;
    }
    const std::size_t slash = location.rfind('/');
    if (slash == std::string::npos) return std::nullopt;
    location.resize(slash);
  }
}

Expected<std::string> DockerConfig::helper_for(std::string_view host) const {
  const auto own = helpers_.find(lower(host));
  const std::string& name = own != helpers_.end() ? own->second : store_;
  if (name.empty() || is_helper_name(name)) return name;
  return fail(fmt::format("{} {} is not the name of a helper", own != helpers_.end() ? "credHelpers:" : "credsStore:",
                          in_quotes(name)));
}

std::string helper_server(std::string_view host) {
  return std::string(host == kHub ? kHubServer : host);
}

bool says_not_found(std::string_view output) {
  return trimmed(output) == kNotFound;
}

Expected<std::optional<Credential>> parse_helper_answer(int exit_status, std::string_view output) {
  if (exit_status != 0 && says_not_found(output)) return std::nullopt;
  const json answer = json::parse(output, nullptr, /*allow_exceptions=*/false);
  const auto username = answer.find("Username");
  const auto secret = answer.find("Secret");
  if (!answer.is_object() || username == answer.end() || secret == answer.end() || !username->is_string() ||
      !secret->is_string()) {
    return fail("its answer is not a JSON object with Username and Secret");
  }
  const auto& user = username->get_ref<const std::string&>();
  const auto& password = secret->get_ref<const std::string&>();
  if (user.empty() && password.empty()) return std::nullopt;
  if (password.empty()) return fail("its answer has a user name and no secret");
  if (user == kTokenUser) return Credential{.identity_token = Secret(password)};
  if (user.empty()) return fail("its answer has a secret and no user name");
  return Credential{.username = user, .password = Secret(password)};
}

}  // namespace shim::credentials
