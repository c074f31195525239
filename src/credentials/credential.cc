#include "credentials/credential.h"

#include <string>
#include <string_view>
#include <utility>

#include "base/base64.h"

namespace shim::credentials {

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
