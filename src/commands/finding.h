// What `check` finds: one line each, with what to do about it. Pure.
#pragma once

#include <span>
#include <string>
#include <vector>

namespace shim::commands {

struct Finding {
  enum class Mark {
    good,
    warning,  // worth a look; the check has not failed
    bad,
  };
  Mark mark = Mark::good;
  std::string subject;  // what was looked at: `registry https://harbor.local`
  std::string what;     // what was found, one clause
  std::string hint{};   // what to do, lines; empty: nothing
};
using Findings = std::vector<Finding>;

// `✓ subject: what`, and below it the hint, indented. Ends with a line end, unless it is empty. What others have said
// in it is shown as printable().
std::string findings_text(std::span<const Finding> findings);
// An array of objects with `mark` (`ok`, `warning`, `failed`), `subject`, `what` and, where there is one, `hint`.
std::string findings_json(std::span<const Finding> findings);
bool has_failed(std::span<const Finding> findings);

}  // namespace shim::commands
