// What proves to a registry who is asking.
#pragma once

#include <string>

#include "base/secret.h"

namespace shim::credentials {

// Either anonymous (both empty), user name with password, or an identity token (an OAuth2 refresh token that the
// token endpoint exchanges). `password_file` names the file that holds the password; it is read when used, so that a
// rotated file counts at once.
struct Credential {
  std::string username{};
  Secret password{};
  std::string password_file{};
  Secret identity_token{};

  bool is_anonymous() const { return username.empty() && password.empty() && identity_token.empty(); }
  friend bool operator==(const Credential&, const Credential&) = default;
};

// The password that a file holds: its content without the newline at its end, if there is one.
Secret password_of(std::string content);

// Value of an `Authorization` field (RFC 7617): `Basic ` and base64 of `user:password`.
Secret basic_authorization(const Credential& credential);

}  // namespace shim::credentials
