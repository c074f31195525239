// A Status as JSON: what `GET /status` answers and `image-cri-shim status --json` prints. The names of its fields are
// documented in docs/operations.md, and stay.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "observe/status.h"

namespace shim::observe {

// In ASCII, so that no terminal takes a registry's words for commands; bytes that are not UTF-8 become U+FFFD. Points
// in time have whole seconds.
std::string to_json(const Status& status);

// Of whatever claims to be a shim. Fields that are not known are skipped. Errors name the field, and what was expected.
Expected<Status> status_from_json(std::string_view text);

}  // namespace shim::observe
