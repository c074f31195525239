// Between nghttp2's C callbacks and a Connection's streams. Only connection.cc and stream.cc include this.
#pragma once

#include <nghttp2/nghttp2.h>

#include <cstdint>

#include "http2/header_list.h"
#include "http2/stream.h"

namespace shim::http2 {

// The callbacks of every session; made once. The session's user data is its Connection, a stream's is its Stream.
const nghttp2_session_callbacks* connection_callbacks();

// The new stream's id, or a negative nghttp2 error.
std::int32_t submit_request_frames(nghttp2_session* session, const HeaderList& headers, bool is_end, Stream& stream);
int submit_response_frames(nghttp2_session* session, const HeaderList& headers, bool is_end, Stream& stream);
int submit_trailer_frames(nghttp2_session* session, const HeaderList& trailers, const Stream& stream);

}  // namespace shim::http2
