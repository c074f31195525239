#include "credentials/credential.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/atomic_file.h"

namespace shim::credentials {
namespace {

constexpr std::size_t kMaxPasswordBytes = 64 * 1024;

// RFC 4648 §4, appended to `out`.
void append_base64(std::string_view bytes, std::string& out) {
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - at);
    std::uint32_t group = 0;
    for (std::size_t i = 0; i < 3; ++i)
      group = group << 8 | (i < count ? static_cast<unsigned char>(bytes[at + i]) : 0u);
    for (std::size_t i = 0; i < 4; ++i) out += i <= count ? kAlphabet[group >> (18 - 6 * i) & 63] : '=';
  }
}

}  // namespace

Expected<Credential> with_password_read(const Credential& credential) {
  if (credential.password_file.empty()) return credential;
  auto content = read_file(credential.password_file, kMaxPasswordBytes);
  if (!content) return fail("password file: " + content.error().message);
  std::string_view text = *content;
  if (text.ends_with('\n')) text.remove_suffix(1);
  if (text.ends_with('\r')) text.remove_suffix(1);
  content->resize(text.size());

  Credential read = credential;
  read.password = Secret(std::move(*content));
  read.password_file.clear();
  return read;
}

Secret basic_authorization(const Credential& credential) {
  const std::string_view password = credential.password.reveal();
  std::string pair;
  pair.reserve(credential.username.size() + 1 + password.size());
  pair.append(credential.username).append(":").append(password);
  const Secret plain(std::move(pair));

  std::string value = "Basic ";
  value.reserve(value.size() + (plain.reveal().size() + 2) / 3 * 4);  // one allocation: no copy of it stays behind
  append_base64(plain.reveal(), value);
  return Secret(std::move(value));
}

}  // namespace shim::credentials
