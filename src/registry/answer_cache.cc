#include "registry/answer_cache.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace shim::registry {

AnswerCache::AnswerCache(Options options) : options_(options) {}

void AnswerCache::take_over(AnswerCache& former, std::span<const std::optional<std::size_t>> numbers) {
  assert(kept_.empty());
  kept_.swap(former.kept_);
  by_name_.swap(former.by_name_);
  counters_ = former.counters_;
  for (Position kept = kept_.begin(); kept != kept_.end();) {
    const Position each = kept++;
    std::erase_if(each->answers, [&](const NumberedAnswer& numbered) { return !numbers[numbered.entry]; });
    for (NumberedAnswer& numbered : each->answers) numbered.entry = *numbers[numbered.entry];
    if (each->answers.empty()) remove(each);
  }
  while (kept_.size() > options_.capacity) evict();
}

std::optional<AnswerCache::Answer> AnswerCache::find(std::string_view reference, std::size_t entry, TimePoint now) {
  const auto found = by_name_.find(reference);
  if (found != by_name_.end()) {
    const Position kept = found->second;
    use(kept);
    const auto numbered = std::ranges::find(kept->answers, entry, &NumberedAnswer::entry);
    if (numbered != kept->answers.end()) {
      if (is_good(numbered->answer, now)) {
        ++counters_->hits;
        return numbered->answer;
      }
      remove(kept, numbered);
    }
  }
  ++counters_->misses;
  return std::nullopt;
}

void AnswerCache::store(std::string_view reference, std::size_t entry, const Outcome& outcome, TimePoint now) {
  using enum Outcome::Kind;
  if (outcome.kind != holds && outcome.kind != absent && outcome.kind != other_platform) return;
  if (options_.capacity == 0) return;
  if (ttl_of(outcome.kind).count() <= 0) {
    forget(reference, entry);  // what it answered before is known to be wrong all the same
    return;
  }

  const auto found = by_name_.find(reference);
  const Position kept = found != by_name_.end() ? found->second : add(reference);
  use(kept);
  Answer answer{.kind = outcome.kind, .reason = outcome.reason, .known_since = now};
  const auto numbered = std::ranges::find(kept->answers, entry, &NumberedAnswer::entry);
  if (numbered != kept->answers.end()) {
    numbered->answer = std::move(answer);
  } else {
    kept->answers.push_back({entry, std::move(answer)});
  }
}

void AnswerCache::forget(std::string_view reference, std::size_t entry) {
  const auto found = by_name_.find(reference);
  if (found == by_name_.end()) return;
  const auto numbered = std::ranges::find(found->second->answers, entry, &NumberedAnswer::entry);
  if (numbered != found->second->answers.end()) remove(found->second, numbered);
}

AnswerCache::Statistics AnswerCache::statistics() const {
  return {.hits = counters_->hits,
          .misses = counters_->misses,
          .evictions = counters_->evictions,
          .references = kept_.size()};
}

bool AnswerCache::is_good(const Answer& answer, TimePoint now) const {
  return now - answer.known_since < ttl_of(answer.kind);
}

std::chrono::nanoseconds AnswerCache::ttl_of(Outcome::Kind kind) const {
  return kind == Outcome::Kind::holds ? options_.holds_ttl : options_.absent_ttl;
}

void AnswerCache::use(Position kept) {
  kept_.splice(kept_.begin(), kept_, kept);
}

AnswerCache::Position AnswerCache::add(std::string_view reference) {
  if (kept_.size() >= options_.capacity) evict();
  kept_.push_front({.reference = std::string(reference), .answers = {}});
  by_name_.emplace(kept_.front().reference, kept_.begin());
  return kept_.begin();
}

void AnswerCache::remove(Position kept, std::vector<NumberedAnswer>::iterator answer) {
  if (kept->answers.size() == 1) {
    remove(kept);
    return;
  }
  if (answer != std::prev(kept->answers.end())) *answer = std::move(kept->answers.back());
  kept->answers.pop_back();
}

void AnswerCache::remove(Position kept) {
  by_name_.erase(kept->reference);
  kept_.erase(kept);
}

void AnswerCache::evict() {
  remove(std::prev(kept_.end()));
  ++counters_->evictions;
}

}  // namespace shim::registry
