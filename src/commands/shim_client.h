// What commands that ask the running shim have in common.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <exception>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "commands/admin_socket.h"
#include "commands/command_line.h"
#include "commands/configuration.h"

namespace shim::commands {

inline constexpr std::string_view kWithoutTheFile =
    "with --admin SOCKET, a shim that is running is asked without the file";

// A line on stderr.
void say(std::string_view message);
// On stderr: errors, and the warnings of a file that is valid. False where it is not.
bool say_diagnostics(const LoadedConfiguration& loaded);
// On stdout, as it is. False where that failed.
bool write_answer(std::string_view text);

// The path of a socket that is written as a path or as `unix:///path`.
std::string without_scheme(const std::string& socket);
// `--admin`, else what the file says. REQUIRES: one of them is there.
std::string admin_socket(const CommandLine& line, const LoadedConfiguration& loaded);
// The same, without requiring anything: of a file that is not valid the `admin` that it seems to say, as a shim that
// keeps the last good one is asked there.
std::string probable_admin_socket(const CommandLine& line, const LoadedConfiguration& loaded);
// The body of the shim's answer to a GET of `target`; blocks until then.
std::expected<std::string, AdminFailure> ask_shim(const std::string& socket, const std::string& target,
                                                  std::chrono::milliseconds timeout);

// Runs a coroutine to its end and gives its result.
template <class T>
T run_to_end(boost::asio::io_context& io, boost::asio::awaitable<T> work) {
  std::optional<T> result;
  std::exception_ptr failed;
  boost::asio::co_spawn(io, std::move(work), [&](std::exception_ptr error, T value) {
    failed = error;
    result.emplace(std::move(value));
    io.stop();  // registries are checked in the background for as long as it runs
  });
  io.run();
  if (failed) std::rethrow_exception(failed);
  return std::move(*result);
}

}  // namespace shim::commands
