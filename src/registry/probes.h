// What is known of a configuration's entries, and what is being asked: answers kept, circuit breakers, the questions in
// flight, and how often each thing happened.
//
// One question at a time for each entry and reference, whoever asks: a flight has its own time, is cut short by nobody
// who stops waiting for it, and keeps what it works with alive. Runs on the I/O thread.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "credentials/keychain.h"
#include "registry/answer_cache.h"
#include "registry/candidate.h"
#include "registry/circuits.h"
#include "registry/client.h"
#include "registry/entry.h"
#include "registry/inbox.h"
#include "registry/statistics.h"
#include "registry/tally.h"

namespace shim::http {
class Client;
}

namespace shim::registry {

class Probes : public std::enable_shared_from_this<Probes> {
 public:
  struct Options {
    std::chrono::milliseconds timeout{2000};  // of each probe
    Breaker::Options breaker{};
    AnswerCache::Options cache{};
    std::chrono::seconds max_token_age{600};
    std::shared_ptr<credentials::Keychain> keychain = std::make_shared<credentials::Keychain>();
  };

  // `http` must outlive the executor's run; `former`, whose breakers, counts and what it knows of unchanged entries go
  // on here, may be null. Its flights land there.
  Probes(std::vector<Entry> entries, Options options, http::Client& http, boost::asio::any_io_executor executor,
         Probes* former);
  Probes(Probes&&) = delete;

  const std::vector<Entry>& entries() const { return entries_; }
  const boost::asio::any_io_executor& executor() const { return executor_; }
  // Its place in entries().
  std::size_t number_of(const Entry& entry) const;

  AnswerCache& answers() { return answers_; }
  Circuits& circuits() { return circuits_; }

  // Begins to ask the candidate's entry, or joins who does; the outcome is delivered to `inbox`, as `sender`, if that
  // still exists. `reference` is the canonical one that the candidate is for.
  void ask(const std::string& reference, const Candidate& candidate, const std::shared_ptr<Inbox>& inbox,
           std::size_t sender);

  // The runtime could not pull the candidate, or did, in that time; the original reference has no entry.
  void pull_failed(const std::string& reference, const Candidate& candidate, const std::string& reason);
  void pull_succeeded(const Candidate& candidate, std::chrono::nanoseconds elapsed);
  // A pull went on to another source after `from` had failed.
  void failed_over(const Candidate& from) { tally_.failed_over(counts_of(from)); }

  Statistics statistics() const;

 private:
  struct Flight {
    struct Passenger {
      std::weak_ptr<Inbox> inbox;
      std::size_t sender;
    };
    std::vector<Passenger> passengers;
  };

  static boost::asio::awaitable<void> fly(std::shared_ptr<Probes> self, std::string reference, Candidate candidate);
  void land(const std::string& reference, std::size_t entry, const Outcome& outcome, std::chrono::microseconds elapsed);
  RegistryStatistics& counts_of(const Candidate& candidate);
  void take_over(Probes& former);

  const std::vector<Entry> entries_;
  const Options options_;
  const boost::asio::any_io_executor executor_;
  const std::shared_ptr<RegistryClient> client_;
  AnswerCache answers_;
  Circuits circuits_;
  std::vector<std::unordered_map<std::string, Flight>> flights_;  // of each entry, by reference
  Tally tally_;
};

}  // namespace shim::registry
