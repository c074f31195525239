// The names that users wrote, put back into what the runtime says of its images (DESIGN 5). Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "cri/name_store.h"

namespace shim::cri {

// Each takes a runtime's serialised answer and returns it with the original names first in `repo_tags` (and in
// `repo_digests` where the reference had a digest); nothing where there is nothing to restore, the answer does not
// parse, or it would pass `max_message` octets: then the runtime's octets are forwarded as they are.
std::optional<std::string> restore_image_status(const std::string& response, const NameStore& names,
                                                std::size_t max_message);
// ListImagesResponse and StreamImagesResponse have the same shape.
std::optional<std::string> restore_image_list(const std::string& response, const NameStore& names,
                                              std::size_t max_message);

// How a reference is shown: as it was written, with `:latest` where there was neither tag nor digest (ImageLocality
// compares the pod's spelling).
std::string shown_name(const image::Reference& reference);

}  // namespace shim::cri
