#include "credentials/program_runner.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <optional>
#include <string_view>
#include <utility>

#include "base/text.h"

// GCC 12 at -O2 takes Asio's operator delete of a coroutine frame for the wrong one.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace shim::credentials {

namespace asio = boost::asio;

namespace {

std::string_view search_path(const Variables& environment) {
  const auto found = std::ranges::find(environment, "PATH", &Variables::value_type::first);
  return found == environment.end() ? "/usr/bin:/bin" : std::string_view(found->second);
}

bool is_executable(const std::string& path) {
  struct stat found{};
  return ::stat(path.c_str(), &found) == 0 && S_ISREG(found.st_mode) && ::access(path.c_str(), X_OK) == 0;
}

// Relative folders of PATH do not count: the shim's working folder means nothing.
Expected<std::string> find_in_path(const Program& program, std::string_view folders) {
  const std::string& name = program.file;
  const std::string all(folders);
  while (!folders.empty()) {
    const std::size_t colon = std::min(folders.find(':'), folders.size());
    std::string path = std::string(folders.substr(0, colon)) + "/" + name;
    if (path.starts_with('/') && colon > 0 && is_executable(path)) return path;
    folders.remove_prefix(std::min(colon + 1, folders.size()));
  }
  return is_missing(program,
                    fmt::format("{} is not in the shim's PATH ({})", printable(name, 128), printable(all, 512)));
}

Expected<ProgramResult> find_and_run(Program program, const ProgramLimits& limits) {
  if (program.file.find('/') == std::string::npos) {
    auto found = find_in_path(program, search_path(program.environment));
    if (!found) return std::unexpected(found.error());
    program.file = std::move(*found);
  }
  return run_program(program, limits);
}

}  // namespace

asio::awaitable<ProgramRunner::Turn> ProgramRunner::turn() {
  const auto self = shared_from_this();
  if (running_ < options_.max_at_once) {
    ++running_;
    co_return Turn(self);
  }
  const auto executor = co_await asio::this_coro::executor;
  const auto called = std::make_shared<asio::steady_timer>(executor, asio::steady_timer::time_point::max());
  waiting_.push_back(called);
  boost::system::error_code ended;  // always an abort
  co_await called->async_wait(asio::redirect_error(asio::use_awaitable, ended));
  co_return Turn(self);
}

// The turn passes to who waits longest.
void ProgramRunner::give_back() {
  if (waiting_.empty()) {
    --running_;
    return;
  }
  const auto next = std::move(waiting_.front());
  waiting_.pop_front();
  next->cancel();
}

asio::awaitable<Expected<ProgramResult>> ProgramRunner::run(Program program) {
  program.environment.insert(program.environment.begin(), options_.environment.begin(), options_.environment.end());
  auto work = [program = std::move(program), limits = options_.limits] { return find_and_run(program, limits); };
  co_return co_await workers_.run(std::move(work));
}

}  // namespace shim::credentials
