// Why an image is pulled from where it is: every candidate in order, what was found there, and why it was or was not
// chosen. For people (`image-cri-shim resolve`), who may read it as JSON.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "registry/outcome.h"

namespace shim::registry {

struct Explanation {
  struct Circuit {
    bool is_open = false;
    std::string reason{};  // why it is open
    std::optional<std::chrono::milliseconds> open_for{};
    std::optional<std::chrono::milliseconds> next_check_in{};
  };
  struct Line {
    std::string registry;           // address as configured; the reference's own host for the original
    std::optional<int> priority{};  // nothing for the original reference
    bool is_offline = false;        // the top-level `address`
    bool is_original = false;       // the reference's own host
    std::string name{};             // that the runtime would be asked to pull; empty where the entry does not match
    Outcome::Kind kind = Outcome::Kind::not_asked;
    std::string reason{};                                    // of the answer, as in Outcome
    std::optional<std::chrono::milliseconds> answered_in{};  // where it was asked now
    std::optional<std::chrono::milliseconds> known_for{};    // where the answer came from the cache
    std::optional<Circuit> circuit{};                        // of the entry's registry
    bool is_chosen = false;
    std::string verdict{};  // `chosen: the highest priority that has it`, `has it, but … comes first`, `excluded by …`
  };

  std::string image;  // as asked
  std::string canonical;
  std::string pod_namespace;  // empty: none
  std::vector<Line> lines;    // candidates best first, then the entries that do not match
  std::vector<std::string> warnings;
};

}  // namespace shim::registry
