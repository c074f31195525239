// What a pull pays before it begins when every answer is known: candidates, cached answers, breakers and the race.
#include <benchmark/benchmark.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "http/client.h"
#include "image/reference.h"
#include "registry/candidate.h"
#include "registry/probes.h"
#include "registry/resolution_state.h"

namespace shim::registry {
namespace {

const image::Reference kImage = image::Reference::parse("registry.k8s.io/coredns/coredns:v1.11.3").value();

std::vector<Entry> mirrors(std::size_t count) {
  std::vector<Entry> entries;
  for (std::size_t n = 0; n < count; ++n) {
    const std::string address = "https://mirror-" + std::to_string(n) + ".example.com/proxy";
    entries.push_back({.address = image::Address::parse(address).value()});
    entries.back().rule = default_rule(entries.back().address);
    entries.back().priority = 1000 - static_cast<int>(n);
  }
  return entries;
}

// All but the last one said no.
void learn_answers(Probes& probes) {
  const std::size_t last = probes.entries().size() - 1;
  for (std::size_t n = 0; n <= last; ++n) {
    const Outcome outcome{.source = "",
                          .name = "",
                          .kind = n == last ? Outcome::Kind::holds : Outcome::Kind::absent,
                          .reason = n == last ? "" : "404 Not Found"};
    probes.answers().store(kImage.canonical(), n, outcome, Clock::now());
  }
}

boost::asio::awaitable<void> resolve_again_and_again(benchmark::State& state, std::shared_ptr<Probes> probes) {
  const ResolverOptions options;
  for (auto _ : state) {
    Selection selection = select_candidates(kImage, probes->entries(), "kube-system", Fallback::upstream);
    Resolution resolution(std::make_unique<Resolution::State>(
        probes, options, kImage, ResolveRequest{.pod_namespace = "kube-system"}, std::move(selection)));
    const auto candidate = co_await resolution.next();
    if (!candidate || candidate->entry != &probes->entries().back()) state.SkipWithError("the wrong one");
  }
}

void resolve_from_known_answers(benchmark::State& state) {
  boost::asio::io_context context{1};
  http::Client http(context.get_executor());
  Probes::Options options;
  options.cache.absent_ttl = std::chrono::hours(1);
  auto probes = std::make_shared<Probes>(mirrors(static_cast<std::size_t>(state.range(0))), options, http,
                                         context.get_executor(), nullptr);
  learn_answers(*probes);
  boost::asio::co_spawn(context, resolve_again_and_again(state, probes), boost::asio::detached);
  context.run();
}
BENCHMARK(resolve_from_known_answers)->Arg(1)->Arg(4)->Arg(20);

}  // namespace
}  // namespace shim::registry
