// The kubelet's credential-provider plugins as a source of credentials (KEP-2133). Runs on the I/O thread.
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

class PluginSource {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  using Now = std::function<TimePoint()>;
  struct State;

  PluginSource(std::string config_file, std::string bin_dir, WorkerPool& workers,
               std::shared_ptr<ProgramRunner> programs, Now now);

  // The first answer of the plugins whose `matchImages` hold, in the order of the file. One that fails does not keep
  // the next from answering.
  // Errors: the file cannot be read or used; no plugin has an answer, and one failed, or did not answer until
  // `deadline`: its name and why.
  boost::asio::awaitable<Expected<std::optional<Credential>>> find(std::string host, std::string repository,
                                                                   TimePoint deadline);
  // Answers are dropped that gave this for the image.
  void refused(const std::string& host, const std::string& repository, const Credential& credential);

 private:
  std::shared_ptr<State> state_;  // shared with plugins that run
};

}  // namespace shim::credentials
