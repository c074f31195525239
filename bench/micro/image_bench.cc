// What every image call pays before it asks anybody: parsing the name.
#include <benchmark/benchmark.h>

#include <string>

#include "image/reference.h"

namespace shim::image {
namespace {

void parse(benchmark::State& state, const std::string& text) {
  for (auto _ : state) benchmark::DoNotOptimize(Reference::parse(text));
}
BENCHMARK_CAPTURE(parse, short_name, std::string("nginx:1.25"));
BENCHMARK_CAPTURE(parse, with_host, std::string("registry.k8s.io/coredns/coredns:v1.11.3"));
BENCHMARK_CAPTURE(parse, with_digest, "ghcr.io/fluxcd/source-controller:v1.4.1@sha256:" + std::string(64, 'a'));
BENCHMARK_CAPTURE(parse, malformed, std::string("registry.k8s.io/CoreDNS/coredns:v1.11.3"));

void canonical(benchmark::State& state) {
  const Reference reference = Reference::parse("nginx:1.25").value();
  for (auto _ : state) benchmark::DoNotOptimize(reference.canonical());
}
BENCHMARK(canonical);

void tell_image_id(benchmark::State& state) {
  const std::string id = "sha256:" + std::string(64, 'a');
  for (auto _ : state) benchmark::DoNotOptimize(is_image_id(id));
}
BENCHMARK(tell_image_id);

}  // namespace
}  // namespace shim::image
