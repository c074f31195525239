// Runs an exec plugin of a kubeconfig, and keeps its credential until it expires. Runs on the I/O thread.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "credentials/program_runner.h"
#include "kubernetes/exec_credential.h"
#include "kubernetes/kubeconfig.h"

namespace shim::kubernetes {

// Two, as an expiry is a time of the calendar, whose clock may be set: by whichever comes first a credential is old.
struct Clocks {
  std::function<std::chrono::system_clock::time_point()> wall = &std::chrono::system_clock::now;
  std::function<std::chrono::steady_clock::time_point()> steady = &std::chrono::steady_clock::now;
};

class ExecPlugin {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  struct State;

  // `info` is the value of KUBERNETES_EXEC_INFO.
  ExecPlugin(ExecConfig config, std::string info, std::shared_ptr<credentials::ProgramRunner> programs, Clocks clocks);

  bool is_of(const ExecConfig& config, std::string_view info) const;
  // Runs once for all who ask at the same time, and goes on where they give up: the next one has the answer. One
  // without a time of expiry is kept until it is refused; one that has expired already is kept for nobody else.
  // Errors, with the program's name and, where it is missing, its hint; nothing of what it wrote to its output.
  boost::asio::awaitable<Expected<ExecCredential>> credential(TimePoint deadline);
  // What is kept is dropped.
  void refused();

 private:
  std::shared_ptr<State> state_;  // shared with the program that runs
};

}  // namespace shim::kubernetes
