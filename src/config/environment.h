// `${VAR}` and `${VAR:-default}` in the values of the configuration.
//
// Expanded in every value but the regular expressions of `rewrite`. `$${` stands for a literal `${`; a `$` before
// anything else is itself. A default may not hold `}`. As in a shell, `:-` gives the default for an empty variable too.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace shim::config {

// The value of a variable, or nothing where it is not set (or may not be read).
using Environment = std::function<std::optional<std::string>(std::string_view name)>;

// The variables of this process. Not safe against a concurrent setenv().
Environment process_environment();

// Errors name the variable that is not set; they never show a value, a default or other text.
Expected<std::string> expand(std::string_view text, const Environment& environment);

// The names in `${…}`, in their order, whether they have a default or not; borrowed from `text`. What expand() refuses
// may be left out.
std::vector<std::string_view> variables_of(std::string_view text);

// The text that expand() turns into `text`.
std::string escape_variables(std::string_view text);

}  // namespace shim::config
