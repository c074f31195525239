#include "commands/check.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <memory>
#include <utility>

#include "base/log.h"
#include "base/text.h"
#include "commands/configuration.h"
#include "commands/finding.h"
#include "commands/registry_check.h"
#include "commands/runtime_interview.h"
#include "commands/sandbox_check.h"
#include "commands/shim_client.h"
#include "config/print.h"
#include "credentials/keychain.h"
#include "image/reference.h"
#include "runtimes/advice.h"
#include "runtimes/inspection.h"
#include "runtimes/listener.h"

namespace shim::commands {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using Mark = Finding::Mark;
using TimePoint = std::chrono::steady_clock::time_point;

constexpr int kCheckFailed = 1;
constexpr int kInvalidConfiguration = 2;
// With the runtime. Then come a probe's time to look for the sandbox image, and one for all registries.
constexpr auto kPatience = 5s;
constexpr std::size_t kWorkers = 4;  // for files, and programs that know credentials
constexpr std::size_t kMostOfVersion = 128;

// One check, and what its parts work with.
struct Check {
  explicit Check(const config::Config& its_config)
      : config(its_config),
        deadline(std::chrono::steady_clock::now() + kPatience + 2 * its_config.probe.timeout),
        runtime(io, {config.cri, config.max_message_size, deadline - 2 * config.probe.timeout}) {}

  const config::Config& config;
  const TimePoint deadline;  // of everything
  asio::io_context io{1};
  WorkerPool workers{kWorkers};
  http::Client http{io.get_executor()};
  RuntimeInterview runtime;
  Findings findings;
};

// ── The runtime ────────────────────────────────────────────────────────────────────────────────────────────────────

std::string described(const runtimes::Answers& answers) {
  return answers.name.empty() ? "it answers" : printable(answers.name + " " + answers.version, kMostOfVersion);
}

bool wants_credentials(const config::Config& config, const std::string& address) {
  return std::ranges::any_of(registry_entries(config), [&](const registry::Entry& entry) {
    return entry.address.text() == address && entry.credential && !entry.credential->is_anonymous();
  });
}

// Asks the configured registries for it.
asio::awaitable<void> find_copy(Check& check, SandboxImage& image) {
  const auto reference = image::Reference::parse(image.name);
  if (!reference) co_return;
  const auto resolver = make_resolver(check.config, check.http, check.workers, check.io.get_executor());
  registry::ResolveRequest request;
  request.deadline = check.deadline - check.config.probe.timeout;  // leaves the registries theirs
  const registry::Explanation explanation = co_await resolver->explain(*reference, std::move(request));
  const auto found = std::ranges::find_if(explanation.lines, [](const registry::Explanation::Line& line) {
    return line.kind == registry::Outcome::Kind::holds && !line.is_original;
  });
  if (found == explanation.lines.end()) co_return;
  image.copy = found->name;
  image.copy_is_private = wants_credentials(check.config, found->registry);
}

asio::awaitable<void> check_sandbox_image(Check& check, const runtimes::RuntimeSettings& settings) {
  if (settings.kind == runtimes::Kind::other) co_return;
  if (!settings.sandbox_image) {
    const bool must_be_here = check.config.fallback == config::Fallback::deny;
    if (must_be_here) check.findings.push_back(judge_unknown_sandbox_image(settings));
    co_return;
  }
  SandboxImage image;
  image.name = *settings.sandbox_image;
  image.is_present = co_await check.runtime.has_image(image.name);
  if (image.is_present && !*image.is_present) co_await find_copy(check, image);
  check.findings.push_back(judge_sandbox_image(check.config, settings, image));
}

// What the runtime is told of registries, as far as it can be seen; nothing where it does not answer.
asio::awaitable<std::optional<runtimes::RuntimeSettings>> check_runtime(Check& check) {
  const std::string& socket = check.config.cri;
  const auto answers = co_await check.runtime.ask();
  if (!answers) {
    check.findings.push_back({Mark::bad, "runtime " + socket, answers.error().message});
    co_return std::nullopt;
  }
  check.findings.push_back({Mark::good, "runtime " + socket, described(*answers)});
  for (const std::string& warning : ignored_credentials(check.config, answers->name)) {
    check.findings.push_back({Mark::warning, "credentials", warning});
  }
  auto settings = runtimes::inspect(*answers, runtimes::config_option(runtimes::command_line_behind(socket)));
  if (::geteuid() != 0 && settings.kind != runtimes::Kind::other) {
    check.findings.push_back({Mark::warning, "user", "not root: files of the runtime may not be readable"});
  }
  co_await check_sandbox_image(check, settings);
  co_return settings;
}

// ── Registries ─────────────────────────────────────────────────────────────────────────────────────────────────────

Finding judge_answer(const registry::Entry& entry, const RegistryAnswer& answer) {
  Finding finding{.subject = "registry " + entry.address.text(), .what = {}};
  if (answer.outcome.kind == registry::Outcome::Kind::holds) {
    finding.what = entry.credential && !entry.credential->is_anonymous() ? "it answers, and accepts the credentials"
                                                                         : "it answers";
    return finding;
  }
  finding.mark = Mark::bad;
  finding.what = answer.outcome.reason.empty() ? "no answer in time" : answer.outcome.reason;
  return finding;
}

void judge_settings(Findings& findings, const runtimes::RuntimeSettings& settings, const registry::Entry& entry,
                    const RegistryAnswer& answer) {
  const runtimes::Advice advice = runtimes::advise(settings, {entry.address, entry.tls, answer.is_trusted_without});
  if (advice.kind == runtimes::Advice::Kind::works) return;
  const Mark mark = advice.kind == runtimes::Advice::Kind::fails ? Mark::bad : Mark::warning;
  findings.push_back({mark, "registry " + entry.address.text(), advice.what, advice.hint});
}

asio::awaitable<void> check_registries(Check& check, const std::optional<runtimes::RuntimeSettings>& settings) {
  const auto patience = std::chrono::steady_clock::now() + check.config.probe.timeout;
  const auto answers =
      co_await ask_registries(check.config, check.http, check.workers, std::min(check.deadline, patience));
  const std::vector<registry::Entry> entries = registry_entries(check.config);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    check.findings.push_back(judge_answer(entries[i], answers[i]));
    if (settings) judge_settings(check.findings, *settings, entries[i], answers[i]);
  }
}

// ── All of it ──────────────────────────────────────────────────────────────────────────────────────────────────────

asio::awaitable<Findings> examine(Check& check, std::string file) {
  check.findings.push_back({Mark::good, "configuration " + file, "valid"});
  for (const std::string& problem : credentials::problems_of(keychain_options(check.config))) {
    check.findings.push_back({Mark::bad, "credentials", problem});
  }
  const auto settings = co_await check_runtime(check);
  co_await check_registries(check, settings);
  co_return std::move(check.findings);
}

int refuse(const LoadedConfiguration& loaded, bool as_json) {
  const std::string subject = loaded.file.empty() ? "configuration" : "configuration " + loaded.file;
  Findings findings;
  for (const config::Diagnostic& diagnostic : loaded.diagnostics) {
    const bool is_error = diagnostic.severity == config::Severity::error;
    findings.push_back({is_error ? Mark::bad : Mark::warning, subject, to_string(diagnostic)});
  }
  if (as_json) {
    write_answer(findings_json(findings));
  } else {
    write_answer(fmt::format("✗ {}: not valid\n", subject));
  }
  return kInvalidConfiguration;
}

}  // namespace

std::vector<std::string> ignored_credentials(const config::Config& config, std::string_view runtime_name) {
  if (runtime_name != "cri-o") return {};
  std::vector<std::string> warnings;
  const auto look_at = [&](const config::Registry& registry) {
    if (!registry.auth || registry.auth->identity_token.empty()) return;
    warnings.push_back(
        fmt::format("{}: CRI-O ignores identity tokens, so it pulls from there without credentials: configure a user "
                    "name and password",
                    registry.address.text()));
  };
  for (const config::Registry& registry : config.registries) look_at(registry);
  if (config.offline) look_at(*config.offline);
  return warnings;
}

int check(const CommandLine& line) {
  configure_log({});                      // on stderr
  spdlog::set_level(spdlog::level::err);  // what is wrong is among the findings
  std::signal(SIGPIPE, SIG_IGN);
  const LoadedConfiguration loaded = load_configuration(line.file);
  for (const config::Diagnostic& diagnostic : loaded.diagnostics) say(to_string(diagnostic));
  if (!loaded.config) return refuse(loaded, line.as_json);
  if (!line.as_json) {
    write_answer(fmt::format("# {}, as it takes effect\n{}\n", loaded.file, config::print(*loaded.config)));
  }
  Check check(*loaded.config);
  const Findings findings = run_to_end(check.io, examine(check, loaded.file));
  const bool is_written = write_answer(line.as_json ? findings_json(findings) : findings_text(findings));
  return is_written && !has_failed(findings) ? 0 : kCheckFailed;
}

}  // namespace shim::commands
