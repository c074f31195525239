#include "commands/check.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <csignal>
#include <exception>
#include <iterator>
#include <optional>
#include <utility>

#include "base/log.h"
#include "base/text.h"
#include "commands/config_map_check.h"
#include "commands/configuration.h"
#include "commands/finding.h"
#include "commands/kubelet_check.h"
#include "commands/registry_check.h"
#include "commands/registry_findings.h"
#include "commands/runtime_findings.h"
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
// With the runtime, the API server and the kubelet. Then comes a probe's time to look for the sandbox image.
constexpr auto kPatience = 5s;
constexpr std::size_t kWorkers = 4;  // for files, and programs that know credentials
constexpr std::size_t kMostOfVersion = 128;

// What is found out by parts that run at once.
struct Answers {
  Findings runtime;
  std::optional<runtimes::RuntimeSettings> settings;  // the runtime's; nothing where it does not answer
  std::vector<RegistryAnswer> registries;
  Findings config_map;
  std::optional<Finding> kubelet;
};

// One check, and what its parts work with.
struct Check {
  Check(const config::Config& its_config, std::string its_root)
      : config(its_config),
        root(std::move(its_root)),
        patience(std::chrono::steady_clock::now() + kPatience),
        runtime(io, {config.cri, config.max_message_size, patience}) {}

  const config::Config& config;
  const std::string root;    // where this node's files are
  const TimePoint patience;  // of each part
  asio::io_context io{1};
  WorkerPool workers{kWorkers};
  http::Client http{io.get_executor()};
  RuntimeInterview runtime;
  Answers answers;
  std::size_t pending = 0;  // parts
  asio::steady_timer all_done{io, TimePoint::max()};
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
  request.deadline = check.patience + check.config.probe.timeout;
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
    if (must_be_here) check.answers.runtime.push_back(judge_unknown_sandbox_image(settings));
    co_return;
  }
  SandboxImage image;
  image.name = *settings.sandbox_image;
  image.is_present = co_await check.runtime.has_image(image.name);
  if (image.is_present && !*image.is_present) co_await find_copy(check, image);
  check.answers.runtime.push_back(judge_sandbox_image(check.config, settings, image));
}

asio::awaitable<void> check_version(Check& check) {
  const config::CriVersion wanted = check.config.version;
  if (wanted == config::CriVersion::automatic) co_return;
  SpokenVersions spoken;
  spoken.v1 = co_await check.runtime.speaks(proxy::Dialect::v1);
  spoken.v1alpha2 = co_await check.runtime.speaks(proxy::Dialect::v1alpha2);
  if (auto finding = judge_version(check.config.cri, wanted, spoken)) {
    check.answers.runtime.push_back(std::move(*finding));
  }
}

asio::awaitable<void> check_runtime(Check& check) {
  const std::string& socket = check.config.cri;
  Findings& findings = check.answers.runtime;
  const auto answers = co_await check.runtime.ask();
  if (!answers) {
    findings.push_back(
        judge_silent_runtime(socket, answers.error().message, fault_of_socket(socket), runtime_sockets(check.root)));
    co_return;
  }
  findings.push_back({Mark::good, "runtime " + socket, described(*answers)});
  co_await check_version(check);
  for (const std::string& warning : ignored_credentials(check.config, answers->name)) {
    findings.push_back({Mark::warning, "credentials", warning});
  }
  auto settings = runtimes::inspect(*answers, runtimes::config_option(runtimes::command_line_behind(socket)));
  if (::geteuid() != 0 && settings.kind != runtimes::Kind::other) {
    findings.push_back({Mark::warning, "user", "not root: files of the runtime may not be readable"});
  }
  co_await check_sandbox_image(check, settings);
  check.answers.settings = std::move(settings);
}

// ── Registries ─────────────────────────────────────────────────────────────────────────────────────────────────────

asio::awaitable<void> check_registries(Check& check) {
  const auto patience = std::chrono::steady_clock::now() + check.config.probe.timeout;
  check.answers.registries = co_await ask_registries(check.config, check.http, check.workers, patience);
}

void judge_settings(Findings& findings, const runtimes::RuntimeSettings& settings, const registry::Entry& entry,
                    const RegistryAnswer& answer) {
  const runtimes::Advice advice = runtimes::advise(settings, {entry.address, entry.tls, answer.is_trusted_without});
  if (advice.kind == runtimes::Advice::Kind::works) return;
  const Mark mark = advice.kind == runtimes::Advice::Kind::fails ? Mark::bad : Mark::warning;
  findings.push_back({mark, "registry " + entry.address.text(), advice.what, advice.hint});
}

void judge_registries(const Check& check, Findings& findings) {
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  const std::vector<registry::Entry> entries = registry_entries(check.config);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const RegistryAnswer& answer = check.answers.registries[i];
    std::ranges::move(judge_registry(entries[i], answer, now), std::back_inserter(findings));
    if (check.answers.settings) judge_settings(findings, *check.answers.settings, entries[i], answer);
  }
}

// ── The cluster ────────────────────────────────────────────────────────────────────────────────────────────────────

asio::awaitable<void> check_cluster(Check& check) {
  check.answers.config_map = co_await check_config_map(check.config, check.http, check.workers, check.patience);
}

asio::awaitable<void> check_kubelet(Check& check) {
  auto look = [root = check.root, socket = check.config.shim] {
    return judge_kubelet(look_at_kubelet(root, socket), socket);
  };
  check.answers.kubelet = co_await check.workers.run(std::move(look));
}

// ── All of it ──────────────────────────────────────────────────────────────────────────────────────────────────────

void start(Check& check, asio::awaitable<void> part) {
  ++check.pending;
  asio::co_spawn(check.io, std::move(part), [&check](const std::exception_ptr&) {
    if (--check.pending == 0) check.all_done.cancel();
  });
}

asio::awaitable<Findings> examine(Check& check, std::string file) {
  start(check, check_runtime(check));
  start(check, check_registries(check));
  start(check, check_cluster(check));
  start(check, check_kubelet(check));
  Findings findings = {{Mark::good, "configuration " + file, "valid"}};
  for (const std::string& problem : credentials::problems_of(keychain_options(check.config))) {
    findings.push_back({Mark::bad, "credentials", problem});
  }
  co_await check.all_done.async_wait(asio::as_tuple(asio::use_awaitable));
  std::ranges::move(check.answers.runtime, std::back_inserter(findings));
  judge_registries(check, findings);
  std::ranges::move(check.answers.config_map, std::back_inserter(findings));
  if (check.answers.kubelet) findings.push_back(std::move(*check.answers.kubelet));
  co_return findings;
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
  Check check(*loaded.config, line.kubelet.root);
  const Findings findings = run_to_end(check.io, examine(check, loaded.file));
  const bool is_written = write_answer(line.as_json ? findings_json(findings) : findings_text(findings));
  return is_written && !has_failed(findings) ? 0 : kCheckFailed;
}

}  // namespace shim::commands
