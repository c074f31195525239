#include "config/auth_block.h"

#include <fmt/format.h>

#include <utility>

namespace shim::config {

namespace {

constexpr std::string_view kExpectedAuth =
    "user:password, \"\" or a block with username and password, passwordFile or identityToken";

// Variables are expanded before the split, so that one variable may hold both parts.
std::optional<Auth> read_pair(Block& block) {
  const std::optional<Text> written = block.text("auth", kExpectedAuth);
  if (!written) return std::nullopt;
  if (written->value.empty() || written->value == ":") return Auth{};  // a template filled in with nothing gives ":"
  const std::size_t colon = written->value.find(':');
  if (colon == std::string::npos) {
    block.error("auth", fmt::format("expected {}, got text without a colon", kExpectedAuth));
    return std::nullopt;
  }
  Auth auth;
  auth.username = written->value.substr(0, colon);
  auth.password = Secret(written->value.substr(colon + 1));
  if (auth.username.empty()) {
    block.error("auth", "the user name before the colon is empty");
  } else if (auth.password.empty()) {
    block.error("auth", "the password after the colon is empty");
  }
  return auth;
}

void check(Block& block, const Auth& auth) {
  const bool has_password = !auth.password.empty();
  const bool has_file = !auth.password_file.empty();
  const bool has_token = !auth.identity_token.empty();
  if (has_password && has_file) {
    block.error("passwordFile", "password and passwordFile exclude each other");
  }
  if (has_token && (has_password || has_file)) {
    block.error("identityToken", "an identity token and a password exclude each other");
  }
  if (auth.username.find(':') != std::string::npos) {
    block.error("username", "a user name holds no colon (RFC 7617)");
  }
  if (auth.username.empty() && (has_password || has_file)) block.error("username", "is missing");
  if (!auth.username.empty() && !has_password && !has_file && !has_token) {
    block.error("password", "is missing (or passwordFile, or identityToken)");
  }
}

Auth read_block(Block block) {
  Auth auth;
  const std::size_t errors_before = block.error_count();
  if (auto username = block.text("username")) auth.username = std::move(username->value);
  auth.password = block.secret("password");
  auth.identity_token = block.secret("identityToken");
  block.optional_file("passwordFile", auth.password_file);
  if (block.error_count() == errors_before) check(block, auth);
  block.finish();
  return auth;
}

}  // namespace

std::optional<Auth> read_auth(Block& block) {
  const Node* node = block.find("auth");
  if (node == nullptr) return std::nullopt;
  if (node->kind == Node::Kind::scalar) return read_pair(block);
  if (node->kind == Node::Kind::block) return read_block(block.block("auth", Block::Holds::secrets));
  block.error("auth", fmt::format("expected {}, got {}", kExpectedAuth, kind_name(node->kind)));
  return std::nullopt;
}

}  // namespace shim::config
