// Which images a pattern of a kubelet credential-provider plugin means (KEP-2133: `matchImages`, and the keys of a
// response's `auth`). Pure.
//
// The semantics are the kubelet's own, where they differ from its documentation, too: `host[:port][/path]`, no scheme;
// as many labels in the host, each matched by itself (`*`, `?`, `[a-z]` and `\x` as Go's filepath.Match knows them);
// the same port, so that a pattern without one matches no image with one; the path is a prefix of the image's, letter
// by letter (`/team` is one of `/teams/app`).
#pragma once

#include <string_view>

namespace shim::credentials {

// `image` is `host[:port]/repository`, without tag or digest. A pattern that is malformed matches nothing.
bool matches_image(std::string_view pattern, std::string_view image);

// True for what the kubelet takes for a pattern.
bool is_image_pattern(std::string_view text);

// One label against its glob.
bool matches_label(std::string_view glob, std::string_view label);

}  // namespace shim::credentials
