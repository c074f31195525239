// What the running shim knows of itself and its surroundings: what `GET /status` answers, `image-cri-shim status`
// prints and the page shows. Plain values, made on request, without secrets.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cri/decision_log.h"
#include "kubernetes/config_map_watch.h"
#include "registry/entry.h"
#include "registry/statistics.h"

namespace shim::observe {

struct Status {
  using Time = std::chrono::system_clock::time_point;
  using Milliseconds = std::chrono::milliseconds;

  struct Shim {
    std::string node{};     // the host's name
    std::string version{};  // `0.1.0`
    std::int64_t pid = 0;
    Milliseconds uptime{0};
    std::string socket{};     // of the kubelet
    bool is_serving = false;  // false: it waits for the runtime (`force: false`), or drains

    friend bool operator==(const Shim&, const Shim&) = default;
  };
  struct Runtime {
    std::string socket{};
    std::string name{};         // `containerd`; empty, as is all below, where it does not say
    std::string version{};      // `1.7.24`
    std::string cri_version{};  // `v1`
    std::string problem{};      // why it does not answer; empty: it does

    friend bool operator==(const Runtime&, const Runtime&) = default;
  };
  struct Registry {
    enum class State {
      not_asked,  // since the start
      well,
      failing,   // it answers, but refuses us, or the last pull from it failed; or it failed too rarely to be left out
      left_out,  // its circuit breaker is open
    };
    std::string address{};  // as configured
    std::string host{};     // with its port
    int priority = 0;
    bool is_offline = false;  // the top-level `address`
    State state = State::not_asked;
    std::string reason{};                                // of failing and left_out
    std::optional<Milliseconds> open_for{};              // of left_out …
    std::optional<Milliseconds> next_check{};            // … from now; nothing where it is being checked
    std::optional<std::chrono::microseconds> latency{};  // of the last probe that was answered
    std::uint64_t pulls_succeeded = 0;
    std::uint64_t pulls_failed = 0;
    std::string last_failure{};       // of a probe or a pull; empty: there was none
    std::optional<Time> failed_at{};  // when that was

    friend bool operator==(const Registry&, const Registry&) = default;
  };
  // The images' own registries, where no configured one has them.
  struct Original {
    bool is_denied = false;  // `fallback: deny`
    std::uint64_t pulls_succeeded = 0;
    std::uint64_t pulls_failed = 0;

    friend bool operator==(const Original&, const Original&) = default;
  };
  struct Cache {
    std::uint64_t references = 0;
    std::uint64_t capacity = 0;  // 0: off
    std::uint64_t hits = 0;
    std::uint64_t misses = 0;
    std::uint64_t evictions = 0;

    friend bool operator==(const Cache&, const Cache&) = default;
  };
  struct ConfigMap {
    enum class State {
      disabled,   // `configMap.enabled: false`
      starting,   // not heard of yet
      following,  // watched
      polling,    // asked now and then, as watching is forbidden
      unknown,    // the API server cannot be asked, or not reached
    };
    std::string name{};  // `kube-system/image-cri-shim`
    State state = State::disabled;
    std::string server{};             // empty: none known
    std::string reason{};             // of polling and unknown
    std::optional<Time> last_seen{};  // when the API server said last what it holds
    std::string problem{};            // why what it holds has no effect; empty: it has, or there is none

    friend bool operator==(const ConfigMap&, const ConfigMap&) = default;
  };
  struct Configuration {
    std::string file{};
    Time used_since{};      // when the values in use were read
    std::string problem{};  // why the file as it is now is not in use; empty: it is
    ConfigMap config_map{};

    friend bool operator==(const Configuration&, const Configuration&) = default;
  };

  Time time{};  // of the answer
  Shim shim{};
  Runtime runtime{};
  std::vector<Registry> registries{};  // the highest priority first
  Original original{};
  Cache cache{};
  std::uint64_t names_remembered = 0;
  std::vector<cri::Decision> decisions{};  // newest first
  Configuration configuration{};

  friend bool operator==(const Status&, const Status&) = default;
};

// `left-out`, `following` …: for JSON and people.
std::string_view state_name(Status::Registry::State state);
std::string_view state_name(Status::ConfigMap::State state);
std::optional<Status::Registry::State> registry_state_of(std::string_view name);
std::optional<Status::ConfigMap::State> config_map_state_of(std::string_view name);

// `statistics` and `entries` are of one Resolver.
std::vector<Status::Registry> registries_of(const std::vector<registry::Entry>& entries,
                                            const registry::Statistics& statistics,
                                            std::chrono::steady_clock::time_point now);
// `watch`: nothing where none runs.
Status::ConfigMap config_map_of(std::string name, const std::optional<kubernetes::WatchStatus>& watch,
                                std::string problem);

// One thing that an operator should know of, and what to do about it.
struct Concern {
  enum class Kind {
    degraded,  // it works, but not as it was told to
    failed,    // pulls fail
  };
  Kind kind = Kind::degraded;
  std::string what{};
  std::string advice{};  // no word of it comes from outside; keys and commands in backticks

  friend bool operator==(const Concern&, const Concern&) = default;
};
// The worst first; empty: all is well.
std::vector<Concern> concerns_of(const Status& status);

}  // namespace shim::observe
