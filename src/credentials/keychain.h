// Where a registry's credential comes from (DESIGN 4): the first source that has an answer of the entry's own `auth`,
// docker's config.json with its helpers, and the kubelet's credential-provider plugins.
//
// Files are read, and programs run, off the I/O thread, bounded in time and in bytes; answers are kept for as long as
// their source allows. Runs on the I/O thread otherwise.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
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
  struct Options {
    std::vector<std::string> docker_config;          // files in the form of docker's config.json, in order
    std::string plugin_config;                       // file of kind CredentialProviderConfig; empty: no plugins
    std::string plugin_bin_dir;                      // folder of their executables
    std::chrono::milliseconds exec_timeout{10'000};  // for one helper or plugin
  };
  // Who is asked for a credential.
  struct Question {
    std::optional<Credential> configured;  // the entry's own `auth`; anonymous where it is written so
    std::string host;                      // `host[:port]` as in image names; `docker.io` for the Hub
    std::string repository;                // path on that host: plugins and docker's config may tell by it
  };

  // `workers` must outlive it.
  Keychain(WorkerPool& workers, Options options);
  Keychain(Keychain&&) = delete;
  ~Keychain();

  // Its password read where it was in a file; anonymous where no source has an answer. Errors: a file that cannot be
  // read, a helper or plugin that failed, timed out, or answered with what is no credential; each says which source.
  // A cancelled coroutine ends with operation_aborted.
  boost::asio::awaitable<Expected<Credential>> find(Question question);
  // The registry refused this credential: an answer that was kept is not given again.
  void refused(const Question& question, const Credential& credential);
};

}  // namespace shim::credentials
