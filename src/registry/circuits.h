// The circuit breakers of a configuration's registries, and the checks in the background that close them again.
//
// One registry is one API URL with its TLS options: entries that differ in their path prefix share its breaker. A
// breaker outlives its configuration: a reload hands it on to the Circuits made for the new one, so that a registry
// which is down is not found out anew. Checks are timed, not polled. Runs on the I/O thread.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "registry/breaker.h"
#include "registry/client.h"
#include "registry/entry.h"
#include "registry/outcome.h"

namespace shim::registry {

class Circuits {
 public:
  struct Options {
    Breaker::Options breaker{};
    std::chrono::milliseconds probe_timeout{2000};
  };

  // The circuit of each entry, by its number. Breakers of `former` go on where registry and options are the same; it
  // may be null, and is not needed afterwards.
  Circuits(std::span<const Entry> entries, Options options, std::shared_ptr<RegistryClient> client,
           boost::asio::any_io_executor executor, const Circuits* former);
  Circuits(Circuits&&) = delete;
  ~Circuits();

  bool is_open(std::size_t entry) const;
  Breaker::Status status(std::size_t entry) const;
  // What a pull learns of an entry that is left out: `left out for 12s: connection refused; next check in 3s`.
  // REQUIRES: is_open(entry).
  Outcome left_out(std::size_t entry) const;

  // An exchange with the entry's registry has had this outcome.
  void record(std::size_t entry, const Outcome& outcome);
  // A pull would use these entries if they were well.
  void wanted(std::span<const std::size_t> entries);
  // The runtime could not pull from it: it is checked at once.
  void suspect(std::size_t entry);
  // No check begins from now on; one in progress ends by itself.
  void stop();

 private:
  struct Circuit;
  class Watch;
  using ByRegistry = std::map<std::string, std::vector<std::shared_ptr<Circuit>>>;  // by the API's URL

  template <class Predicate>
  static std::shared_ptr<Circuit> find(const std::vector<std::shared_ptr<Circuit>>& circuits, Predicate is_it);

  std::vector<std::shared_ptr<Circuit>> circuits_;  // by entry
  std::shared_ptr<Watch> watch_;                    // null once stopped
};

}  // namespace shim::registry
