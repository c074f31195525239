#include "commands/config_map_feed.h"

#include <boost/asio/awaitable.hpp>
#include <memory>
#include <utility>

#include "kubernetes/kubeconfig_access.h"

namespace shim::commands {
namespace {

using OpenedAccess = Expected<std::shared_ptr<kubernetes::Access>>;

boost::asio::awaitable<OpenedAccess> open_on_worker(kubernetes::Places places, WorkerPool& workers) {
  auto work = [places = std::move(places), &workers] { return kubernetes::open_access(places, workers); };
  co_return co_await workers.run(std::move(work));
}

}  // namespace

ConfigMapFeed::ConfigMapFeed(boost::asio::any_io_executor executor, http::Client& http, WorkerPool& workers,
                             Listener listener)
    : executor_(std::move(executor)), http_(http), workers_(workers), listener_(std::move(listener)) {}

void ConfigMapFeed::configure(const config::Config& config) {
  Settings settings{config.config_map, config.reload_interval};
  if (settings_ == settings) return;
  const bool is_enabled = settings.config_map.enabled != config::Enabled::no;
  const bool was_enabled = watch_.has_value();
  settings_ = std::move(settings);
  watch_.reset();
  if (!is_enabled) {
    if (was_enabled) listener_.on_disabled();
    return;
  }
  const config::ConfigMap& config_map = settings_->config_map;
  const kubernetes::WatchOptions options = {.name_space = config_map.name_space,
                                            .name = config_map.name,
                                            .key = config_map.key,
                                            .poll_interval = settings_->poll_interval};
  kubernetes::Places places;
  places.kubeconfig = config_map.kubeconfig;
  const auto open = [places, &workers = workers_] { return open_on_worker(places, workers); };
  watch_.emplace(executor_, http_, open, options, listener_.on_sight);
  watch_->start();
}

void ConfigMapFeed::look_now() {
  if (watch_) watch_->look_now();
}

std::optional<kubernetes::WatchStatus> ConfigMapFeed::status() const {
  if (!watch_) return std::nullopt;
  return watch_->status();
}

}  // namespace shim::commands
