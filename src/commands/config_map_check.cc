#include "commands/config_map_check.h"

#include <fmt/format.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "commands/config_map_feed.h"
#include "config/overlay.h"

namespace shim::commands {
namespace {

namespace asio = boost::asio;
using Mark = Finding::Mark;

struct Judge {
  const config::ConfigMap& wanted;
  const config::Environment& environment;

  std::string subject() const { return fmt::format("ConfigMap {}/{}", wanted.name_space, wanted.name); }
  // Of what keeps it from being read.
  Mark mark() const { return wanted.enabled == config::Enabled::yes ? Mark::bad : Mark::warning; }

  Findings operator()(const kubernetes::Absent&) const {
    if (wanted.enabled != config::Enabled::yes)
      return {{Mark::good, subject(), "there is none: the file alone counts"}};
    return {{Mark::warning, subject(),
             "there is none, and the file wants it (configMap.enabled): the file alone counts",
             fmt::format("kubectl -n {} create configmap {} --from-file={}=FILE", wanted.name_space, wanted.name,
                         wanted.key)}};
  }

  Findings operator()(const kubernetes::Unknown& unknown) const {
    return {
        {mark(), subject(), unknown.reason, unknown.is_access ? "or do without it: configMap: {enabled: false}" : ""}};
  }

  Findings operator()(const kubernetes::Present& present) const {
    if (!present.text) {
      return {{Mark::warning, subject(), fmt::format("it has no key {}, and so says nothing", wanted.key),
               "write its settings below that key, or correct `configMap.key` in the file"}};
    }
    const config::Overlay::Origin origin{subject(), wanted.env};
    std::vector<config::Diagnostic> diagnostics;
    const auto overlay = config::Overlay::parse(*present.text, origin, environment, diagnostics);
    Findings findings;
    for (const config::Diagnostic& diagnostic : diagnostics) {
      const bool is_error = diagnostic.severity == config::Severity::error;
      findings.push_back({is_error ? Mark::bad : Mark::warning, subject(), to_string(diagnostic)});
    }
    if (overlay) {
      findings.insert(findings.begin(), {Mark::good, subject(), "it can be read; what it sets wins over the file"});
    } else if (!findings.empty()) {
      findings.back().hint = fmt::format("nothing of it is used until it is corrected: kubectl -n {} edit configmap {}",
                                         wanted.name_space, wanted.name);
    }
    return findings;
  }
};

}  // namespace

Findings judge_sight(const config::ConfigMap& wanted, const std::optional<kubernetes::Sight>& sight,
                     const config::Environment& environment) {
  const Judge judge{wanted, environment};
  if (!sight) return {{judge.mark(), judge.subject(), "the API server did not answer in time"}};
  return std::visit(judge, *sight);
}

asio::awaitable<Findings> check_config_map(const config::Config& config, http::Client& http, WorkerPool& workers,
                                           std::chrono::steady_clock::time_point deadline) {
  if (config.config_map.enabled == config::Enabled::no) co_return Findings();
  const auto executor = co_await asio::this_coro::executor;
  asio::steady_timer seen(executor, deadline);
  std::optional<kubernetes::Sight> first;
  ConfigMapFeed::Listener listener;
  listener.on_sight = [&](const kubernetes::Sight& sight) {
    if (!first) first = sight;
    seen.cancel();
  };
  listener.on_disabled = [] {};
  ConfigMapFeed feed(executor, http, workers, std::move(listener));
  feed.configure(config);
  if (!first) co_await seen.async_wait(asio::as_tuple(asio::use_awaitable));
  co_return judge_sight(config.config_map, first, config::process_environment());
}

}  // namespace shim::commands
