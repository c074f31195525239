#include "observe/metrics.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>
#include <vector>

#include "observe/exposition.h"
#include "observe/process_usage.h"

// GCC 12 at -O2 takes Asio's operator delete of a coroutine frame for the wrong one.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace shim::observe {
namespace {

using registry::Outcome;
using registry::RegistryStatistics;

constexpr std::string_view kContentType = "text/plain; version=0.0.4; charset=utf-8";

// In brackets, as no registry's address is.
constexpr std::string_view kOriginal = "(original)";
constexpr std::string_view kRemoved = "(removed)";

// What a probe may end with.
constexpr std::array<Outcome::Kind, 6> kProbeResults = {Outcome::Kind::holds,          Outcome::Kind::absent,
                                                        Outcome::Kind::other_platform, Outcome::Kind::refused,
                                                        Outcome::Kind::unreachable,    Outcome::Kind::failed};

Label label(std::string_view name, std::string_view value) {
  return {std::string(name), std::string(value)};
}

Labels of(const RegistryStatistics& registry) {
  return {label("registry", registry.registry)};
}

Labels of(const RegistryStatistics& registry, std::string_view result) {
  return {label("registry", registry.registry), label("result", result)};
}

double as_number(bool flag) {
  return flag ? 1 : 0;
}

void add(RegistryStatistics& sum, const RegistryStatistics& other) {
  for (std::size_t kind = 0; kind < registry::kOutcomeKinds; ++kind) sum.probes[kind] += other.probes[kind];
  sum.pulls_succeeded += other.pulls_succeeded;
  sum.pulls_failed += other.pulls_failed;
  sum.failovers += other.failovers;
  sum.probe_durations.add(other.probe_durations);
  sum.pull_durations.add(other.pull_durations);
  sum.breaker.is_open = sum.breaker.is_open || other.breaker.is_open;
}

// Entries of one address, which differ in `match` or the like, are one: Prometheus wants each series once.
std::vector<RegistryStatistics> by_address(std::vector<RegistryStatistics> registries) {
  std::ranges::stable_sort(registries, {}, &RegistryStatistics::registry);
  std::vector<RegistryStatistics> distinct;
  for (RegistryStatistics& each : registries) {
    if (!distinct.empty() && distinct.back().registry == each.registry) {
      add(distinct.back(), each);
    } else {
      distinct.push_back(std::move(each));
    }
  }
  return distinct;
}

void add_process(Exposition& out) {
  if (const auto usage = process_usage()) {
    out.process_counter("process_cpu_seconds_total", "User and system CPU time spent.").add(seconds(usage->cpu_time));
    out.process_gauge("process_resident_memory_bytes", "Resident memory size.")
        .add(static_cast<double>(usage->resident_memory));
    out.process_gauge("process_virtual_memory_bytes", "Virtual memory size.")
        .add(static_cast<double>(usage->virtual_memory));
    out.process_gauge("process_start_time_seconds", "When the process began, since the Unix epoch.")
        .add(unix_seconds(start_time(*usage)));
  }
  if (const auto open = open_descriptors()) {
    out.process_gauge("process_open_fds", "Open file descriptors.").add(static_cast<double>(*open));
  }
  if (const auto limit = max_descriptors()) {
    out.process_gauge("process_max_fds", "How many file descriptors may be open.").add(static_cast<double>(*limit));
  }
}

void add_runtime(Exposition& out, const Readings& readings) {
  out.gauge("build_info", "1; the label is the version of the shim.").add(1, {label("version", readings.version)});
  out.gauge("runtime_up", "Whether the container runtime answers: 1 or 0.").add(as_number(readings.runtime_is_up));
  if (readings.runtime_name.empty()) return;
  out.gauge("runtime_info", "1; the labels are what the runtime says of itself.")
      .add(1, {label("name", readings.runtime_name), label("version", readings.runtime_version)});
}

void add_calls(Exposition& out, const Readings& readings) {
  auto durations = out.histogram("call_duration_seconds", "Calls of clients that have ended, by gRPC code.");
  for (const auto& series : readings.calls.series()) {
    durations.add(series.durations, {label("method", series.method), label("code", series.code)});
  }
}

void add_connections(Exposition& out, const Readings& readings) {
  out.gauge("calls_in_flight", "Calls of clients that have not ended.")
      .add(static_cast<double>(readings.calls_in_flight));
  out.gauge("client_connections", "Connections of clients.").add(static_cast<double>(readings.client_connections));
  auto octets = out.counter("passthrough_bytes_total", "Message bytes of calls that are passed through undecoded.");
  octets.add(static_cast<double>(readings.calls.octets_to_client), {label("direction", "to_client")});
  octets.add(static_cast<double>(readings.calls.octets_to_runtime), {label("direction", "to_runtime")});
}

void add_pulls(Exposition& out, const std::vector<RegistryStatistics>& sources) {
  {
    auto pulls = out.counter("pulls_total", "Attempts of the runtime to pull from a registry.");
    for (const RegistryStatistics& each : sources) {
      pulls.add(static_cast<double>(each.pulls_succeeded), of(each, "success"));
      pulls.add(static_cast<double>(each.pulls_failed), of(each, "failure"));
    }
  }
  {
    auto failovers =
        out.counter("failovers_total", "Pulls that went on to another source after this registry had failed.");
    for (const RegistryStatistics& each : sources) failovers.add(static_cast<double>(each.failovers), of(each));
  }
  auto durations = out.histogram("pull_duration_seconds", "Attempts to pull that succeeded.");
  for (const RegistryStatistics& each : sources) {
    if (each.pull_durations.total() > 0) durations.add(each.pull_durations, of(each));
  }
}

void add_probes(Exposition& out, const std::vector<RegistryStatistics>& registries) {
  {
    auto probes = out.counter("probes_total", "Questions to a registry for an image, by what came of them.");
    for (const RegistryStatistics& each : registries) {
      for (const Outcome::Kind kind : kProbeResults) {
        probes.add(static_cast<double>(each.probes[static_cast<std::size_t>(kind)]),
                   of(each, registry::kind_name(kind)));
      }
    }
  }
  auto durations = out.histogram("probe_duration_seconds", "Questions to a registry that it has answered.");
  for (const RegistryStatistics& each : registries) {
    if (each.probe_durations.total() > 0) durations.add(each.probe_durations, of(each));
  }
}

void add_registries(Exposition& out, const registry::Statistics& statistics) {
  std::vector<RegistryStatistics> registries = by_address(statistics.registries);
  {
    auto open = out.gauge("registry_breaker_open", "1: the circuit is open, the registry is left out; 0: closed.");
    for (const RegistryStatistics& each : registries) open.add(as_number(each.breaker.is_open), of(each));
  }
  RegistryStatistics removed = statistics.removed;
  removed.registry = kRemoved;
  registries.push_back(std::move(removed));
  add_probes(out, registries);
  RegistryStatistics original = statistics.original;
  original.registry = kOriginal;
  registries.push_back(std::move(original));
  add_pulls(out, registries);
}

void add_cache(Exposition& out, const Readings& readings) {
  const registry::AnswerCache::Statistics& cache = readings.registries.cache;
  out.counter("cache_hits_total", "Answers of registries found in the cache.").add(static_cast<double>(cache.hits));
  out.counter("cache_misses_total", "Answers looked for in vain.").add(static_cast<double>(cache.misses));
  out.counter("cache_evictions_total", "References that made room for others.")
      .add(static_cast<double>(cache.evictions));
  out.gauge("cache_references", "References with answers in the cache.").add(static_cast<double>(cache.references));
  out.gauge("cache_references_max", "cache.imageCacheSize.").add(static_cast<double>(readings.cache_capacity));
  out.gauge("names_remembered", "Names that images were pulled under in place of users' names.")
      .add(static_cast<double>(readings.names_remembered));
}

void add_configuration(Exposition& out, const Readings& readings) {
  const Readings::Configuration& configuration = readings.configuration;
  {
    auto reloads = out.counter("config_reloads_total", "Configurations read from the file or the ConfigMap.");
    reloads.add(static_cast<double>(configuration.accepted), {label("result", "success")});
    reloads.add(static_cast<double>(configuration.rejected), {label("result", "failure")});
  }
  out.gauge("config_last_reload_success_timestamp_seconds", "When a configuration was accepted last; 0: never.")
      .add(unix_seconds(configuration.last_accepted));
  auto rejected = out.gauge("config_rejected", "1: what the source holds now is not valid and not used.");
  rejected.add(as_number(configuration.file_is_rejected), {label("source", "file")});
  rejected.add(as_number(configuration.config_map_is_rejected), {label("source", "configmap")});
}

void add_config_map(Exposition& out, const kubernetes::WatchStatus& status) {
  using Phase = kubernetes::WatchStatus::Phase;
  const bool is_followed = status.phase == Phase::watching || status.phase == Phase::polling;
  out.gauge("configmap_watch_up", "1: the ConfigMap is watched, or read at intervals where watching is forbidden.")
      .add(as_number(is_followed));
  out.counter("configmap_errors_total", "Attempts to read or watch the ConfigMap that failed.")
      .add(static_cast<double>(status.failures));
  out.gauge("configmap_last_success_timestamp_seconds",
            "When the API server said last what the ConfigMap holds, or that there is none; 0: never.")
      .add(unix_seconds(status.last_seen));
}

boost::asio::awaitable<Answer> answer_metrics(TakeReadings take) {
  const Readings readings = co_await take();
  Answer answer{.content_type = std::string(kContentType), .body = metrics_text(readings)};
  co_return answer;
}

}  // namespace

std::string metrics_text(const Readings& readings) {
  Exposition out;
  add_runtime(out, readings);
  add_calls(out, readings);
  add_connections(out, readings);
  add_registries(out, readings.registries);
  add_cache(out, readings);
  add_configuration(out, readings);
  if (readings.config_map) add_config_map(out, *readings.config_map);
  out.counter("log_lines_dropped_total", "Log lines lost because standard error was blocked.")
      .add(static_cast<double>(readings.log_lines_dropped));
  add_process(out);
  return out.take();
}

Handler metrics_endpoint(TakeReadings take) {
  return [take = std::move(take)](const Request&) { return answer_metrics(take); };
}

}  // namespace shim::observe
