// What a resolution pays when every answer is known: looking the answers up, and the race that needs nobody.
#include <benchmark/benchmark.h>

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "registry/answer_cache.h"
#include "registry/race.h"

namespace shim::registry {
namespace {

constexpr AnswerCache::TimePoint kNow{std::chrono::hours(1)};

std::vector<std::string> references(std::size_t count) {
  std::vector<std::string> made;
  for (std::size_t n = 0; n < count; ++n)
    made.push_back("ghcr.io/organisation/team/image-" + std::to_string(n) + ":v1");
  return made;
}

// All but the last registry said no, as where the image is far down the list.
Outcome answer_of(std::size_t entry, std::size_t entries) {
  return {.source = "registry",
          .name = "name",
          .kind = entry + 1 == entries ? Outcome::Kind::holds : Outcome::Kind::absent,
          .reason = entry + 1 == entries ? "" : "404 Not Found"};
}

void fill(AnswerCache& cache, const std::vector<std::string>& names, std::size_t entries) {
  for (const std::string& name : names) {
    for (std::size_t entry = 0; entry < entries; ++entry) cache.store(name, entry, answer_of(entry, entries), kNow);
  }
}

void find_answer(benchmark::State& state) {
  const auto names = references(static_cast<std::size_t>(state.range(0)));
  AnswerCache cache({.capacity = names.size()});
  fill(cache, names, 20);
  std::size_t next = 0;
  for (auto _ : state) {
    next = (next + 7919) % names.size();  // a prime: all references, in no order of use
    benchmark::DoNotOptimize(cache.find(names[next], 19, kNow));
  }
}
BENCHMARK(find_answer)->Arg(100)->Arg(10'000);

void store_into_a_full_cache(benchmark::State& state) {
  const auto names = references(20'000);
  AnswerCache cache({.capacity = 10'000});
  const Outcome outcome = answer_of(0, 1);
  std::size_t next = 0;
  for (auto _ : state) {
    next = (next + 1) % names.size();
    cache.store(names[next], 0, outcome, kNow);
  }
}
BENCHMARK(store_into_a_full_cache);

void race_from_known_answers(benchmark::State& state) {
  const auto runners = static_cast<std::size_t>(state.range(0));
  for (auto _ : state) {
    Race race(std::vector(runners, Race::Runner::askable), {});
    for (std::size_t n = 0; n < runners; ++n) race.answered(n, n + 1 == runners ? Race::Answer::yes : Race::Answer::no);
    race.begin(kNow);
    benchmark::DoNotOptimize(race.step(kNow));
  }
}
BENCHMARK(race_from_known_answers)->Arg(1)->Arg(4)->Arg(20);

// The whole decision of DESIGN 10's cached resolve, but for the candidates: 10,000 references at 20 registries.
void decide_from_the_cache(benchmark::State& state) {
  constexpr std::size_t kEntries = 20;
  const auto names = references(10'000);
  AnswerCache cache({.capacity = names.size()});
  fill(cache, names, kEntries);
  std::size_t next = 0;
  for (auto _ : state) {
    next = (next + 7919) % names.size();
    Race race(std::vector(kEntries, Race::Runner::askable), {});
    for (std::size_t entry = 0; entry < kEntries; ++entry) {
      const auto answer = cache.find(names[next], entry, kNow);
      if (answer) race.answered(entry, answer->kind == Outcome::Kind::holds ? Race::Answer::yes : Race::Answer::no);
    }
    race.begin(kNow);
    benchmark::DoNotOptimize(race.step(kNow));
  }
}
BENCHMARK(decide_from_the_cache);

// Everybody is asked, one after the other, and says no.
void race_that_asks_everybody(benchmark::State& state) {
  const auto runners = static_cast<std::size_t>(state.range(0));
  for (auto _ : state) {
    Race race(std::vector(runners, Race::Runner::askable), {});
    race.begin(kNow);
    for (Race::Step step = race.step(kNow); !step.is_over; step = race.step(kNow)) {
      for (const std::size_t asked : step.ask) race.answered(asked, Race::Answer::no);
    }
  }
}
BENCHMARK(race_that_asks_everybody)->Arg(20)->Arg(1000);

}  // namespace
}  // namespace shim::registry
