// The control endpoint below `/_fake/`, for tests in other processes. JSON in, JSON out; a mistake is a 400 with a
// text.
//
//   POST   /_fake/manifests  {"repository", "reference", "media_type"?, "body"? | "platforms"?: ["linux/amd64"]}
//   POST   /_fake/faults     {"repository", "kind", "status"?, "retry_after"?, "delay_ms"?, "location"?}
//   DELETE /_fake/faults
//   DELETE /_fake/tokens     every token issued so far is refused from now on
//   GET    /_fake/requests   [{"connection", "method", "target", "host", "authorization": "Basic", "user", …}]
//   DELETE /_fake/requests
//
// `kind` is a Fault::Kind by its name. Of an Authorization field only the scheme and the user name are shown.
#pragma once

#include <string_view>

#include "fake_registry/protocol.h"

namespace shim::test {

inline constexpr std::string_view kControlPath = "/_fake/";

Answer control(Protocol& protocol, const RecordedRequest& request);

}  // namespace shim::test
