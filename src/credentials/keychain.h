// Where a registry's credential comes from (DESIGN 4): the first source that has an answer of the entry's own `auth`,
// docker's config.json with its helpers, and the kubelet's credential-provider plugins.
//
// Files are read, and programs run, off the I/O thread, bounded in time and in bytes; answers are kept for as long as
// their source allows. Runs on the I/O thread otherwise.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/worker_pool.h"
#include "credentials/credential.h"

namespace shim::credentials {

class Keychain {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  struct Options {
    std::vector<std::string> docker_config{};        // files in the form of docker's config.json, in order
    std::string plugin_config{};                     // file of kind CredentialProviderConfig; empty: no plugins
    std::string plugin_bin_dir{};                    // folder of their executables
    std::chrono::milliseconds exec_timeout{10'000};  // for one helper or plugin
    std::function<TimePoint()> now = &std::chrono::steady_clock::now;  // for the age of answers
  };
  // Who is asked for a credential.
  struct Question {
    std::optional<Credential> configured;  // the entry's own `auth`, final; anonymous where it is written so
    std::string host;                      // `host[:port]` as in image names; `docker.io` for the Hub
    std::string repository;                // path on that host: plugins and docker's config may tell by it
  };

  // Knows what entries say of themselves, and no other source.
  Keychain();
  // `workers` must outlive it, and all that it has begun. It must outlive each find().
  Keychain(WorkerPool& workers, Options options);
  Keychain(Keychain&&) = delete;
  ~Keychain();

  // Sources that `former` has, too, go on here with what they know: the answers of programs, the content of files.
  // REQUIRES: this has not been asked yet; the workers of `former` outlive this.
  void take_over(const Keychain& former);
  // Whether entries without an `auth` of their own are answered from the same places.
  bool has_same_sources(const Keychain& other) const;

  // With its password read where it was in a file; anonymous where no source has an answer. A source that fails does
  // not keep the next one from answering, but where none answers, the failure is the result: a registry must not be
  // asked anonymously because a file is broken. Errors say which source: a file that cannot be read, a helper or plugin
  // that failed, took too long, or answered with what is no credential; no answer until `deadline` (a program goes on,
  // and the next find() has its answer). A cancelled coroutine ends with operation_aborted.
  boost::asio::awaitable<Expected<Credential>> find(Question question, TimePoint deadline = TimePoint::max());
  // The registry refused this credential: an answer of a program that was kept is not given again.
  void refused(const Question& question, const Credential& credential);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// What keeps the sources from answering, as far as it can be seen without asking them: for `check` and the start. A
// line each, with the file; warnings too. Reads files: not for the I/O thread.
std::vector<std::string> problems_of(const Keychain::Options& options);

}  // namespace shim::credentials
