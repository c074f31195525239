// One docker config.json as a source of credentials, with the helpers that it names. Runs on the I/O thread.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/error.h"
#include "base/worker_pool.h"
#include "credentials/credential.h"
#include "credentials/program_runner.h"

namespace shim::credentials {

class DockerSource {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  using Now = std::function<TimePoint()>;
  struct State;

  DockerSource(std::string file, WorkerPool& workers, std::shared_ptr<ProgramRunner> programs, Now now);

  // The helper's answer where one is named for the host, else that of `auths`. Nothing where neither has one, and where
  // the file does not exist, which is logged once: nobody has logged in yet, or a Secret is not mounted yet.
  // Errors name the file: it cannot be read or used; the helper failed; no answer until `deadline`.
  boost::asio::awaitable<Expected<std::optional<Credential>>> find(std::string host, std::string repository,
                                                                   TimePoint deadline);
  // A helper is asked again that had answered with this.
  void refused(const std::string& host, const Credential& credential);

 private:
  std::shared_ptr<State> state_;  // shared with helpers that run
};

}  // namespace shim::credentials
