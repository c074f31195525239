// What a resolution pays before its first probe: choosing and ordering the candidates.
#include <benchmark/benchmark.h>

#include <cstddef>
#include <string>
#include <vector>

#include "image/reference.h"
#include "registry/candidate.h"

namespace shim::registry {
namespace {

Entry entry_at(const std::string& address) {
  Entry made{.address = image::Address::parse(address).value()};
  made.rule = default_rule(made.address);
  return made;
}

void select_among(benchmark::State& state) {
  std::vector<Entry> entries;
  for (int n = 0; n < state.range(0); ++n) {
    entries.push_back(entry_at("https://mirror-" + std::to_string(n) + ".example.com/proxy"));
    entries.back().priority = 500 + n;
  }
  const auto reference = image::Reference::parse("registry.k8s.io/coredns/coredns:v1.11.3").value();
  for (auto _ : state)
    benchmark::DoNotOptimize(select_candidates(reference, entries, "kube-system", Fallback::upstream));
}
BENCHMARK(select_among)->Arg(1)->Arg(4)->Arg(32);

void select_with_rewrite(benchmark::State& state) {
  std::vector<Entry> entries = {entry_at("https://harbor.example.com")};
  entries[0].rewrite.push_back(image::RewriteRule::parse("^([^/]+)/(.*)$", "mirrors/\\1/\\2").value());
  const auto reference = image::Reference::parse("registry.k8s.io/coredns/coredns:v1.11.3").value();
  for (auto _ : state) benchmark::DoNotOptimize(select_candidates(reference, entries, "", Fallback::upstream));
}
BENCHMARK(select_with_rewrite);

}  // namespace
}  // namespace shim::registry
