// The status page: one document of HTML, without scripts, without anything to load, refreshed by the browser. Pure.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "observe/config_report.h"
#include "observe/status.h"

namespace shim::observe {

// Of a page's head: nothing may be loaded, run, sent or framed; the one style is known by its hash.
extern const std::string_view page_policy;
// The page's style, word for word what stands between its tags.
extern const std::string_view page_style;

// For people, with what is wrong and what to do first. Whatever comes from outside is escaped; secrets are in neither.
// `refresh`: how often the browser asks anew; nothing: never.
std::string page(const Status& status, const ConfigReport& configuration, std::optional<std::chrono::seconds> refresh);

}  // namespace shim::observe
