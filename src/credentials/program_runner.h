// Runs programs on workers, a few at once. Runs on the I/O thread otherwise.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstddef>
#include <deque>
#include <memory>
#include <string>

#include "base/error.h"
#include "base/worker_pool.h"
#include "credentials/program.h"

namespace shim::credentials {

class ProgramRunner : public std::enable_shared_from_this<ProgramRunner> {
 public:
  struct Options {
    ProgramLimits limits;
    std::size_t max_at_once = 4;                  // so that slow programs leave workers to files
    Variables environment = inherited_variables();
  };
  // The right to run one program; given back when it goes.
  class Turn {
   public:
    explicit Turn(std::shared_ptr<ProgramRunner> runner) : runner_(std::move(runner)) {}
    Turn(Turn&&) = default;
    Turn& operator=(Turn&&) = delete;
    ~Turn() {
      if (runner_) runner_->give_back();
    }

   private:
    std::shared_ptr<ProgramRunner> runner_;
  };

  // `workers` must outlive what it runs.
  ProgramRunner(WorkerPool& workers, Options options) : workers_(workers), options_(std::move(options)) {}
  ProgramRunner(const ProgramRunner&) = delete;
  ProgramRunner& operator=(const ProgramRunner&) = delete;

  // First come, first served. Who waited looks whether the answer has come meanwhile, before run().
  boost::asio::awaitable<Turn> turn();
  // With the inherited variables before the program's own. A program named without a slash is looked for in PATH.
  // Errors as run_program(); it is not in PATH.
  boost::asio::awaitable<Expected<ProgramResult>> run(Program program);

  const Variables& environment() const { return options_.environment; }

 private:
  void give_back();

  WorkerPool& workers_;
  const Options options_;
  std::size_t running_ = 0;
  std::deque<std::shared_ptr<boost::asio::steady_timer>> waiting_;
};

}  // namespace shim::credentials
