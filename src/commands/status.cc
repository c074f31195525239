#include "commands/status.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <expected>
#include <string>
#include <thread>

#include "base/log.h"
#include "commands/configuration.h"
#include "commands/shim_client.h"
#include "commands/status_listing.h"
#include "commands/terminal.h"
#include "observe/status_json.h"

namespace shim::commands {

using observe::Status;
using namespace std::chrono_literals;

namespace {

constexpr int kWell = 0;
constexpr int kNotWell = 1;

constexpr auto kPatience = 5s;  // the shim itself waits up to 1s for the runtime

std::expected<Status, AdminFailure> ask_for_status(const std::string& socket) {
  const auto answer = ask_shim(socket, "/status", kPatience);
  if (!answer) return std::unexpected(answer.error());
  auto status = observe::status_from_json(*answer);
  if (status) return std::move(*status);
  return std::unexpected(
      AdminFailure{{fmt::format("what answers at {} is not understood: {}", socket, status.error().message)},
                   AdminFailure::Kind::no_answer});
}

int show(const Status& status, bool as_json) {
  const bool is_written =
      write_answer(as_json ? observe::to_json(status) : status_listing(status, terminal_of(STDOUT_FILENO)));
  return is_written && observe::concerns_of(status).empty() ? kWell : kNotWell;
}

std::string found_out_text(const std::expected<Status, AdminFailure>& status, const Terminal& terminal) {
  return status ? status_listing(*status, terminal) : status.error().message + "\n";
}

// One block after the other, or each in the place of the one before. Ends with the reader of stdout, or by a signal.
int watch(const std::string& socket, const CommandLine& line) {
  for (;; std::this_thread::sleep_for(*line.watch)) {
    const auto status = ask_for_status(socket);
    const Terminal terminal = terminal_of(STDOUT_FILENO);
    bool is_written = true;
    if (line.as_json) {
      if (!status) say(status.error().message);
      if (status) is_written = write_answer(observe::to_json(*status));
    } else {
      const std::string text = found_out_text(status, terminal);
      is_written = write_answer(terminal.rows > 0 ? in_place(text, terminal) : text + "\n");
    }
    if (!is_written) return kNotWell;
  }
}

}  // namespace

int status(const CommandLine& line) {
  configure_log({});  // on stderr
  spdlog::set_level(spdlog::level::err);
  std::signal(SIGPIPE, SIG_IGN);
  const LoadedConfiguration loaded = load_configuration(line.file);
  const std::string socket = probable_admin_socket(line, loaded);
  if (line.watch) return watch(socket, line);
  const auto status = ask_for_status(socket);
  if (status) return show(*status, line.as_json);
  say(status.error().message);
  if (status.error().kind == AdminFailure::Kind::not_running) {
    say("`systemctl status image-cri-shim` says whether it was started, `image-cri-shim check` what keeps it from it");
  }
  return kNotWell;
}

}  // namespace shim::commands
