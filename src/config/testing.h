// For the tests of this folder: parse with an environment of the test's own, diagnostics as lines.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "config/parse.h"

namespace shim::config::testing {

using Variables = std::map<std::string, std::string, std::less<>>;

inline Environment environment_of(Variables variables) {
  return [variables = std::move(variables)](std::string_view name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  };
}

inline ParseResult parse_text(std::string_view text, Variables variables = {}) {
  return parse(text, "f.yaml", environment_of(std::move(variables)));
}

inline std::vector<std::string> lines_of(const ParseResult& result, Severity severity) {
  std::vector<std::string> lines;
  for (const Diagnostic& diagnostic : result.diagnostics) {
    if (diagnostic.severity == severity) lines.push_back(to_string(diagnostic));
  }
  return lines;
}

inline std::vector<std::string> errors_of(std::string_view text, Variables variables = {}) {
  return lines_of(parse_text(text, std::move(variables)), Severity::error);
}

inline std::vector<std::string> warnings_of(std::string_view text) {
  return lines_of(parse_text(text), Severity::warning);
}

inline std::vector<std::string> notes_of(std::string_view text) {
  return lines_of(parse_text(text), Severity::note);
}

// Every text that parse() gave out, as one.
inline std::string everything_said(const ParseResult& result) {
  std::string all;
  for (const Diagnostic& diagnostic : result.diagnostics) all += to_string(diagnostic) + "\n";
  return all;
}

}  // namespace shim::config::testing
