// Whether each configured registry can be reached, is who it says, and lets its credentials in.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <optional>
#include <vector>

#include "base/worker_pool.h"
#include "commands/registry_look.h"
#include "config/config.h"
#include "http/client.h"
#include "registry/outcome.h"

namespace shim::commands {

struct RegistryAnswer {
  registry::Outcome outcome;  // `holds`: it lets the entry's credentials in
  // Whether the system's certificates alone are enough to speak to it; nothing where the entry has no TLS settings, or
  // it does not answer either way.
  std::optional<bool> is_trusted_without{};
  RegistryLook look{};  // what anybody sees of it
};

// All of registry_entries(config), in their order, asked at once: GET /v2/, as a pull does and as anybody, until
// `deadline`. All that it is given must
// outlive it.
boost::asio::awaitable<std::vector<RegistryAnswer>> ask_registries(const config::Config& config, http::Client& http,
                                                                   WorkerPool& workers,
                                                                   std::chrono::steady_clock::time_point deadline);

}  // namespace shim::commands
