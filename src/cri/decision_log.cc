#include "cri/decision_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "registry/entry.h"

namespace shim::cri {
namespace {

using registry::Outcome;

bool is_of(const Outcome& outcome, const registry::Candidate& used, const std::string& source) {
  return outcome.source == source && outcome.name == used.name;
}

// What spoke for the source itself.
std::string merit(const Outcome* outcome, const registry::Candidate& used) {
  if (used.entry == nullptr) return "the image's own registry";
  const std::string rank =
      used.is_original ? "the image's own registry" : fmt::format("priority {}", used.entry->priority);
  if (outcome == nullptr || outcome->kind == Outcome::Kind::holds) return rank + ", has it";
  if (outcome->reason.empty()) return rank + ", not asked";
  return fmt::format("{}, and it may have it ({})", rank, outcome->reason);
}

}  // namespace

void DecisionLog::add(Decision decision) {
  for (std::string* text :
       {&decision.image, &decision.pod_namespace, &decision.source, &decision.name, &decision.why}) {
    *text = printable(*text, kLongestText);
  }
  if (decisions_.size() == kCapacity) decisions_.pop_back();
  decisions_.push_front(std::move(decision));
}

std::vector<Decision> DecisionLog::decisions() const {
  return {decisions_.begin(), decisions_.end()};
}

std::string why_chosen(const std::vector<Outcome>& outcomes, const registry::Candidate& used,
                       const std::string& source) {
  const auto own = std::ranges::find_if(outcomes, [&](const Outcome& each) { return is_of(each, used, source); });
  std::string text = merit(own == outcomes.end() ? nullptr : &*own, used);
  for (auto outcome = outcomes.begin(); outcome != outcomes.end(); ++outcome) {
    const bool came_first = outcome < own || outcome->kind == Outcome::Kind::pull_failed;
    if (outcome == own || !came_first || outcome->reason.empty()) continue;
    text += fmt::format("; not {}: {}", outcome->source, outcome->reason);
  }
  return text;
}

}  // namespace shim::cri
