// The percent-encoding of the `grpc-message` trailer (gRPC over HTTP/2: PROTOCOL-HTTP2, "Status-Message").
#pragma once

#include <string>
#include <string_view>

namespace shim {

// Bytes outside 0x20–0x7E and `%` become `%XX` (upper-case hex), the rest stays: never a byte that HTTP/2 refuses.
std::string percent_encode(std::string_view text);

// The inverse. A `%` that two hex digits do not follow is kept as it is: the specification forbids both failing on it
// and throwing the message away.
std::string percent_decode(std::string_view text);

}  // namespace shim
