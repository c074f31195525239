// The request to a token endpoint: the GET of the distribution specification, or the OAuth2 grant of an identity token.
// Pure.
#pragma once

#include "base/error.h"
#include "http/client.h"
#include "http/url.h"
#include "registry/entry.h"
#include "registry/token.h"

namespace shim::registry {

// The realm as a URL that the entry's credentials may be sent to. It must be https; plain http is for a registry that
// is plain http itself, on the same host. Errors say so, and show the realm.
Expected<http::Url> trusted_realm(std::string_view realm, const Entry& entry);

// Without a timeout: a POST of RFC 6749's grant for an identity token, else a GET, with Basic credentials where there
// are some.
http::Request token_request(const http::Url& realm, const TokenKey& key, const http::TlsOptions& tls);

// The GET for a token endpoint that does not know the POST (Google's, Artifactory's): the identity token is the
// password then.
http::Request token_request_without_grant(const http::Url& realm, const TokenKey& key, const http::TlsOptions& tls);

}  // namespace shim::registry
