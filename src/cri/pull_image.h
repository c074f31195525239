// PullImage: from the best source that has the image, and from the next when that fails (DESIGN 2, 3).
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>
#include <vector>

#include "cri/call.h"
#include "cri/runtime.h"
#include "registry/outcome.h"

namespace shim::cri {

boost::asio::awaitable<Reply> pull_image(Call call, std::string message);

// Whether another source may be tried after this failure: not when the caller gave up, the runtime is lost, the disk is
// full or a signature was refused. Pure.
bool may_try_next(const Reply& failure, bool deadline_has_passed);

// The one error for a pull that no source could serve: every source and why, those of the configuration first; code of
// the last one. The prefixes that the kubelet recognises (`RegistryUnavailable`, `SignatureValidationFailed`, with code
// UNKNOWN) stay at the beginning. `last_pull` is the runtime's last failure, or null where nothing was pulled. Pure.
Reply pull_failure(const std::string& image, const std::vector<registry::Outcome>& outcomes, const Reply* last_pull);

// The one error for a pull that the caller's deadline ended: DEADLINE_EXCEEDED, and what was asked or tried by then.
// Pure.
Reply deadline_failure(const std::string& image, const std::vector<registry::Outcome>& outcomes);

// What to add to either where a configured registry could not be pulled from because the runtime speaks to it otherwise
// than the shim: plain HTTP, TLS; empty for all other failures. Pure.
std::string settings_hint(const Reply& failure);

}  // namespace shim::cri
