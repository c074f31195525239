#include "credentials/credential.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace shim::credentials {
namespace {

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

Secret password_of(std::string content) {
  const Secret whole(std::move(content));
  std::string_view text = whole.reveal();
  if (text.ends_with('\n')) text.remove_suffix(1);
  if (text.ends_with('\r')) text.remove_suffix(1);
  return Secret(text);
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
