// Which registry has an image: the candidates of DESIGN 3, asked over the network where needed.
//
// One Resolver per configuration (a reload publishes a new one; a Resolution in progress keeps the one that it began
// with alive). Everything runs on the I/O thread.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "image/reference.h"
#include "registry/candidate.h"

namespace shim::http {
class Client;
}

namespace shim::registry {

// What one source said or how it failed, for logs and for the error that names every source tried.
struct Outcome {
  enum class Kind {
    holds,         // the registry has it
    absent,        // it said no (404)
    refused,       // 401 or 403: credentials missing or wrong
    unreachable,   // no HTTP answer: refused, DNS, TLS, time-out
    failed,        // an HTTP answer that is neither yes nor no (429, 5xx, wrong platform …)
    not_asked,     // taken without asking (the original reference, or a kubelet's own credential)
    pull_failed,   // the runtime could not pull from it
  };
  std::string source;  // registry address, as configured; the reference's own host for the original
  std::string name;    // the name pulled or probed
  Kind kind = Kind::not_asked;
  std::string reason;  // empty for `holds`; else one clause: `401 Unauthorized: wrong password for user "admin"`
};

struct ResolveRequest {
  std::string pod_namespace;             // empty: none known
  bool caller_sent_credentials = false;  // the kubelet's own AuthConfig: the original host is not probed then
};

// One pull's walk over its candidates. Not thread-safe; borrowed things live as long as the Resolution.
class Resolution {
 public:
  virtual ~Resolution() = default;
  // The next candidate to pull from, probing as needed; nothing when no candidate is left. An entry that said no is
  // never returned.
  virtual boost::asio::awaitable<std::optional<Candidate>> next() = 0;
  // The runtime failed to pull the candidate that next() returned last.
  virtual void pull_failed(std::string reason) = 0;
  // Everything asked or tried so far, in the order of the candidates.
  virtual std::vector<Outcome> outcomes() const = 0;
  virtual const std::vector<std::string>& warnings() const = 0;
};

}  // namespace shim::registry
