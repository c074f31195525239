// What a Resolution and an Explanation work with: the candidates of one reference, and what is known of each by now.
// Internal to registry/.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "image/reference.h"
#include "registry/candidate.h"
#include "registry/inbox.h"
#include "registry/outcome.h"
#include "registry/probes.h"
#include "registry/race.h"
#include "registry/resolver.h"

namespace shim::registry {

struct Source {
  Candidate candidate;
  Race::Runner runner = Race::Runner::askable;  // as of the last line_up()
  std::optional<Outcome> outcome{};
  bool was_answered = false;                               // `outcome` is what the entry said, now or from the cache
  bool is_taken = false;                                   // pulled from
  std::optional<Clock::time_point> asked_at{};             // while its answer is awaited
  std::optional<std::chrono::microseconds> answered_in{};  // where it was asked
  std::optional<Clock::duration> known_for{};              // where its answer came from the cache
};

struct Resolution::State {
  State(std::shared_ptr<Probes> all_probes, const ResolverOptions& options, const image::Reference& image,
        ResolveRequest resolve_request, Selection selection);

  // The breakers of the sources' registries learn that a pull would use them.
  void want();
  // The race of the sources that have not been taken, from answers and breaker states as they are now; it begins now.
  Race line_up(Clock::time_point now);
  void ask(std::size_t source, Clock::time_point now);
  // Takes in what has been answered: the sources it came from.
  std::vector<std::size_t> read_inbox();
  // For the race; nothing where nothing is known.
  std::optional<Race::Answer> answer_of(const Source& source) const;
  // Those who were asked and have not answered in their time.
  void note_silence(Clock::time_point now);
  Candidate take(std::size_t source);

  std::shared_ptr<Probes> probes;
  const ResolverOptions options;
  image::Reference reference;
  std::string canonical;
  ResolveRequest request;
  std::vector<Source> sources{};
  std::vector<std::string> warnings{};
  std::shared_ptr<Inbox> inbox;
  Source* last_taken = nullptr;
  Clock::time_point taken_at{};
  bool has_failed = false;  // the pull from last_taken

 private:
  Race::Runner look_at(Source& source, Clock::time_point now);
  bool is_left_to_caller(const Source& source) const;
};

// `https://a.local`; the reference's own host for the original.
std::string source_name(const Candidate& candidate, const image::Reference& reference);

// The body of Resolver::explain().
boost::asio::awaitable<Explanation> explain(std::unique_ptr<Resolution::State> state);

}  // namespace shim::registry
