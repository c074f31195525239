// The process behind a unix socket, and what it was started with.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace shim::runtimes {

// The words of its command line; empty where the socket does not answer or the process cannot be looked at. With
// systemd's socket activation the process is systemd. Does not block on the process.
std::vector<std::string> command_line_behind(const std::string& socket);

// The value of `--config FILE`, `--config=FILE`, `-c FILE`, `-c=FILE`. Pure.
std::optional<std::string> config_option(const std::vector<std::string>& command_line);

}  // namespace shim::runtimes
