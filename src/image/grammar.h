// The pieces of the distribution reference grammar, by hand and in linear time: what references, addresses, patterns
// and rewrites agree on. Pure.
//
//   reference := [host "/"] path [":" tag] ["@" digest]
//   host      := (domain name | IPv4 | "[" IPv6 "]") [":" port]
//   path      := component *("/" component)
//   component := 1*(a-z 0-9), joined by "." "_" "__" or any number of "-"
//
// Each check's error is the rule that is broken as one clause without the whole input, which the caller knows.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace shim::image {

// The registry that a name without a host is at, and the namespace of its official images.
inline constexpr std::string_view kDockerHub = "docker.io";
inline constexpr std::string_view kOfficialNamespace = "library/";

// `host[:port]`. The port is any number, as in the distribution grammar.
Expected<void> check_host(std::string_view host);
// A repository path below its host, at most 255 characters.
Expected<void> check_path(std::string_view path);
// At most 128 characters.
Expected<void> check_tag(std::string_view tag);
// `sha256:` and 64 lower-case hex digits (sha384: 96, sha512: 128); another algorithm: at least 32 hex digits.
Expected<void> check_digest(std::string_view digest);

// True where the first component of a name with several is a host and not a part of the path: it holds a dot, a colon
// or an upper-case letter, or is `localhost`.
bool is_host_component(std::string_view component);
// One spelling for each host: Docker Hub's aliases are `docker.io`, and letters are lower case, as host names compare
// without case. A host that only its upper-case letters show to be one (`UPPER/app`) stays as it is.
std::string normal_host(std::string_view host);

}  // namespace shim::image
