// What a registry may answer for a manifest: its media types, and the platforms of an image index. Pure.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "base/error.h"
#include "registry/platform.h"

namespace shim::registry {

// Value of `Accept`: Docker schema 2 and manifest list, OCI manifest and index.
std::string manifest_media_types();

// `content_type` may have parameters and any case.
bool is_manifest(std::string_view content_type);
bool is_index(std::string_view content_type);
bool is_html(std::string_view content_type);
// `sha256:` and 64 hex digits, or another algorithm of the OCI grammar.
bool is_digest(std::string_view text);

struct UnusableIndex : Error {
  bool is_other_platform = false;  // it has images, for other platforms only
};

// Holds where the index `body` has an image for `node`; an image without a platform counts as one.
// Errors: `no image for linux/amd64, only for linux/arm64`; a body that is no index.
std::expected<void, UnusableIndex> check_index(std::string_view body, const Platform& node);

}  // namespace shim::registry
