// RFC 9113 §8: what makes an HTTP/2 message malformed.
//
// nghttp2's own check is off (`no_http_messaging`), because it refuses the `:authority: /path.sock` that grpc-go up to
// 1.38 sends (kubelet ≤ 1.25). These functions check everything but the authority. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "http2/header_list.h"

namespace shim::http2 {

// Each returns the rule that the block breaks, or nothing.
std::optional<std::string_view> malformed_request(const HeaderList& headers);
std::optional<std::string_view> malformed_response(const HeaderList& headers);
std::optional<std::string_view> malformed_trailers(const HeaderList& trailers);

// The value of content-length, for the comparison with the octets of DATA (RFC 9113 §8.1.1).
std::optional<std::uint64_t> content_length(const HeaderList& headers);

// True for a `1xx` response, which comes before the final one.
bool is_informational(const HeaderList& headers);

}  // namespace shim::http2
