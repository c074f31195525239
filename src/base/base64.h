// Base64 (RFC 4648 §4): bytes in header fields and configuration files.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/secret.h"

namespace shim {

// Appends the encoding of `bytes`, with its padding: 4 characters for each 3 bytes or part of them. A caller that
// reserves as much leaves no copy behind.
void append_base64(std::string_view bytes, std::string& out);

// Strict: the standard alphabet and the whole padding; only line breaks are left out, as files fold long values.
// Nothing for anything else.
std::optional<Secret> decode_base64(std::string_view text);

}  // namespace shim
