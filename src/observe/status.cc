#include "observe/status.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace shim::observe {
namespace {

using Registry = Status::Registry;
using ConfigMap = Status::ConfigMap;
using std::chrono::milliseconds;

constexpr std::array<std::pair<std::string_view, Registry::State>, 4> kRegistryStates = {
    {{"not-asked", Registry::State::not_asked},
     {"well", Registry::State::well},
     {"failing", Registry::State::failing},
     {"left-out", Registry::State::left_out}}};
constexpr std::array<std::pair<std::string_view, ConfigMap::State>, 5> kConfigMapStates = {
    {{"disabled", ConfigMap::State::disabled},
     {"starting", ConfigMap::State::starting},
     {"following", ConfigMap::State::following},
     {"polling", ConfigMap::State::polling},
     {"unknown", ConfigMap::State::unknown}}};

template <class Names, class State>
std::string_view name_in(const Names& names, State state) {
  return std::ranges::find(names, state, &Names::value_type::second)->first;
}

template <class State, std::size_t size>
std::optional<State> state_in(const std::array<std::pair<std::string_view, State>, size>& names,
                              std::string_view name) {
  const auto found = std::ranges::find(names, name, &std::pair<std::string_view, State>::first);
  return found == names.end() ? std::nullopt : std::optional(found->second);
}

bool was_asked(const registry::RegistryStatistics& counts) {
  return counts.pulls_succeeded > 0 || counts.pulls_failed > 0 ||
         std::ranges::any_of(counts.probes, [](std::uint64_t count) { return count > 0; });
}

Registry::State state_of(const registry::RegistryStatistics& counts) {
  if (counts.breaker.is_open) return Registry::State::left_out;
  if (counts.is_failing || counts.breaker.failures > 0) return Registry::State::failing;
  return was_asked(counts) ? Registry::State::well : Registry::State::not_asked;
}

Registry registry_of(const registry::Entry& entry, const registry::RegistryStatistics& counts,
                     std::chrono::steady_clock::time_point now) {
  Registry registry{.address = entry.address.text(),
                    .host = entry.address.host(),
                    .priority = entry.priority,
                    .is_offline = entry.is_offline,
                    .state = state_of(counts),
                    .reason = {},
                    .open_for = {},
                    .next_check = {},
                    .latency = counts.last_latency,
                    .pulls_succeeded = counts.pulls_succeeded,
                    .pulls_failed = counts.pulls_failed,
                    .last_failure = counts.last_failure,
                    .failed_at = {}};
  if (!counts.last_failure.empty()) registry.failed_at = counts.failed_at;
  if (registry.state == Registry::State::failing) registry.reason = counts.last_failure;
  if (registry.state != Registry::State::left_out) return registry;
  registry.reason = counts.breaker.reason;
  if (counts.breaker.since) registry.open_for = std::chrono::floor<milliseconds>(now - *counts.breaker.since);
  if (counts.breaker.next_check) {
    registry.next_check = std::max(std::chrono::ceil<milliseconds>(*counts.breaker.next_check - now), milliseconds(0));
  }
  return registry;
}

ConfigMap::State state_of(kubernetes::WatchStatus::Phase phase) {
  using Phase = kubernetes::WatchStatus::Phase;
  switch (phase) {
    case Phase::starting:
      return ConfigMap::State::starting;
    case Phase::watching:
      return ConfigMap::State::following;
    case Phase::polling:
      return ConfigMap::State::polling;
    case Phase::pausing:
      return ConfigMap::State::unknown;
    case Phase::stopped:
      break;
  }
  return ConfigMap::State::disabled;
}

// ── What should be looked at ─────────────────────────────────────────────────────────────────────────────────────────

void add_runtime(std::vector<Concern>& concerns, const Status& status) {
  if (status.runtime.problem.empty()) return;
  concerns.push_back({Concern::Kind::failed, status.runtime.problem,
                      "No pod can start until it does. See that it runs (`systemctl status containerd`, `crio` …), and "
                      "that `cri` in the configuration names its socket."});
}

void add_registry(std::vector<Concern>& concerns, const Registry& registry) {
  if (registry.state == Registry::State::left_out) {
    concerns.push_back({Concern::Kind::degraded, fmt::format("{} is left out: {}", registry.address, registry.reason),
                        "Pulls go on to the other sources, and it is used again by itself once it answers. "
                        "`image-cri-shim check` on the node says more."});
  }
  if (registry.state == Registry::State::failing) {
    concerns.push_back({Concern::Kind::degraded, fmt::format("{} fails: {}", registry.address, registry.reason),
                        "`image-cri-shim check` on the node says whether it answers, takes the credentials, and can "
                        "be pulled from by the runtime."});
  }
}

void add_registries(std::vector<Concern>& concerns, const Status& status) {
  const auto is_left_out = [](const Registry& each) { return each.state == Registry::State::left_out; };
  const bool has_none = !status.registries.empty() && std::ranges::all_of(status.registries, is_left_out);
  if (has_none && status.original.is_denied) {
    concerns.push_back({Concern::Kind::failed,
                        "No registry answers, and `fallback: deny` keeps images from their own registries",
                        "New images cannot be pulled until one does: see the registries below."});
  }
  for (const Registry& registry : status.registries) add_registry(concerns, registry);
}

void add_configuration(std::vector<Concern>& concerns, const Status::Configuration& configuration) {
  if (!configuration.problem.empty()) {
    concerns.push_back({Concern::Kind::degraded,
                        fmt::format("{} is not in use as it is now: {}", configuration.file, configuration.problem),
                        "The last good version is. `image-cri-shim check` lists all errors; the corrected file is in "
                        "use at once, without a restart."});
  }
  const ConfigMap& map = configuration.config_map;
  if (!map.problem.empty()) {
    concerns.push_back({Concern::Kind::degraded,
                        fmt::format("What the ConfigMap {} says has no effect: {}", map.name, map.problem),
                        "What was in use before still is, on this node and all others. Correct the ConfigMap; that "
                        "has effect at once."});
  }
  // Where no API server is known, none is expected: a node without Kubernetes.
  if (map.state == ConfigMap::State::unknown && !map.server.empty()) {
    concerns.push_back({Concern::Kind::degraded,
                        fmt::format("The ConfigMap {} cannot be read: {}", map.name, map.reason),
                        "What it said last stays in use. It is tried again; SIGHUP (systemctl reload) tries at once."});
  }
}

}  // namespace

std::string_view state_name(Registry::State state) {
  return name_in(kRegistryStates, state);
}

std::string_view state_name(ConfigMap::State state) {
  return name_in(kConfigMapStates, state);
}

std::optional<Registry::State> registry_state_of(std::string_view name) {
  return state_in(kRegistryStates, name);
}

std::optional<ConfigMap::State> config_map_state_of(std::string_view name) {
  return state_in(kConfigMapStates, name);
}

std::vector<Registry> registries_of(const std::vector<registry::Entry>& entries, const registry::Statistics& statistics,
                                    std::chrono::steady_clock::time_point now) {
  std::vector<Registry> registries;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    registries.push_back(registry_of(entries[i], statistics.registries[i], now));
  }
  // As select_candidates() has them: of one priority the offline registry first, then as in the file.
  std::ranges::stable_sort(registries, [](const Registry& left, const Registry& right) {
    return std::pair(left.priority, left.is_offline) > std::pair(right.priority, right.is_offline);
  });
  return registries;
}

ConfigMap config_map_of(std::string name, const std::optional<kubernetes::WatchStatus>& watch, std::string problem) {
  ConfigMap map{.name = std::move(name),
                .state = ConfigMap::State::disabled,
                .server = {},
                .reason = {},
                .last_seen = {},
                .problem = std::move(problem)};
  if (!watch) return map;
  map.state = state_of(watch->phase);
  map.server = watch->server;
  map.reason = watch->reason;
  if (watch->last_seen != std::chrono::system_clock::time_point{}) map.last_seen = watch->last_seen;
  return map;
}

std::vector<Concern> concerns_of(const Status& status) {
  std::vector<Concern> concerns;
  add_runtime(concerns, status);
  add_configuration(concerns, status.configuration);
  add_registries(concerns, status);
  std::ranges::stable_sort(concerns, std::greater(), &Concern::kind);
  return concerns;
}

}  // namespace shim::observe
