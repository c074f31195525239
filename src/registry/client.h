// Asks one registry whether it has an image, or whether it is well: the distribution API's manifests and base
// endpoints, with authentication.
//
// One answer is one Outcome, whatever went wrong; no text in it is a secret. Its health is what the last exchange has
// shown, be that with the registry, its token endpoint or where it redirects to: a pull needs them all. Runs on the I/O
// thread.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <expected>
#include <set>
#include <string>
#include <string_view>

#include "http/client.h"
#include "registry/authorizer.h"
#include "registry/candidate.h"
#include "registry/entry.h"
#include "registry/outcome.h"
#include "registry/platform.h"
#include "registry/refusal.h"
#include "registry/verdict.h"

namespace shim::registry {

struct RegistryClientOptions {
  Authorizer::Options authorization;
  Platform platform = node_platform();  // what an image index must have
};

class RegistryClient {
 public:
  // `http` must outlive it.
  explicit RegistryClient(http::Client& http, RegistryClientOptions options = {});
  RegistryClient(RegistryClient&&) = delete;
  // As Authorizer::take_over().
  void take_over(const RegistryClient& former, const std::set<std::string>& registries) {
    authorizer_.take_over(former.authorizer_, registries);
  }

  // HEAD of the candidate's manifest, GET where the registry knows no HEAD, and GET of an image index for its
  // platforms, all until `deadline`. The coroutine borrows both arguments.
  // REQUIRES: candidate.entry is &entry.
  boost::asio::awaitable<Outcome> probe(const Entry& entry, const Candidate& candidate, Clock::time_point deadline);

  // GET /v2/: `holds` where it lets the entry's credentials in. Challenges are answered as a probe answers them, so
  // that a registry without its token endpoint does not count as well. The coroutine borrows `entry`.
  boost::asio::awaitable<Outcome> ping(const Entry& entry, Clock::time_point deadline);

 private:
  struct Question {
    const Entry& entry;
    std::string url;
    std::string repository;  // that a token is for; empty: none
    Clock::time_point deadline;
  };
  using Answer = std::expected<http::Response, Refusal>;

  // Redirects are followed.
  boost::asio::awaitable<Answer> ask(const Question& question, http::Method method);
  // With the entry's credentials as its host asks for them.
  boost::asio::awaitable<Answer> ask_entry(const Question& question, http::Method method);
  // Without credentials.
  boost::asio::awaitable<Answer> follow(const Question& question, http::Method method, const http::Response& redirect);
  Verdict judge_platforms(std::string_view index) const;

  http::Client& http_;
  Platform platform_;
  Authorizer authorizer_;
};

}  // namespace shim::registry
