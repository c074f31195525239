#include "commands/shim_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "config/diagnostic.h"
#include "config/document.h"
#include "http/client.h"

namespace shim::commands {

void say(std::string_view message) {
  fmt::print(stderr, "{}\n", message);
}

bool say_diagnostics(const LoadedConfiguration& loaded) {
  for (const config::Diagnostic& diagnostic : loaded.diagnostics) {
    const bool is_worth_it = diagnostic.severity == config::Severity::error ||
                             (loaded.config && diagnostic.severity == config::Severity::warning);
    if (is_worth_it) say(to_string(diagnostic));
  }
  return loaded.config.has_value();
}

bool write_answer(std::string_view text) {
  return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
}

std::string without_scheme(const std::string& socket) {
  constexpr std::string_view kScheme = "unix://";
  return socket.starts_with(kScheme) ? socket.substr(kScheme.size()) : socket;
}

std::string admin_socket(const CommandLine& line, const LoadedConfiguration& loaded) {
  return line.admin.empty() ? loaded.config->admin : without_scheme(line.admin);
}

std::string probable_admin_socket(const CommandLine& line, const LoadedConfiguration& loaded) {
  if (!line.admin.empty() || loaded.config) return admin_socket(line, loaded);
  config::Diagnostics ignored("");
  const auto document = config::Document::parse(loaded.text, ignored);
  if (!document) return config::Config().admin;
  const auto& members = document->root().members;
  const auto found = std::ranges::find(members, "admin", &config::Node::Member::key);
  return found == members.end() ? config::Config().admin : without_scheme(found->value->text);
}

std::expected<std::string, AdminFailure> ask_shim(const std::string& socket, const std::string& target,
                                                  std::chrono::milliseconds timeout) {
  boost::asio::io_context io{1};
  http::Client http(io.get_executor());
  return run_to_end(io, ask_admin(io, http, socket, target, timeout));
}

}  // namespace shim::commands
