// From the file to what the parts are made of.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <memory>
#include <string>
#include <vector>

#include "base/worker_pool.h"
#include "config/config.h"
#include "config/diagnostic.h"
#include "credentials/keychain.h"
#include "http/client.h"
#include "registry/entry.h"
#include "registry/resolver.h"

namespace shim::commands {

struct LoadedConfiguration {
  std::string file;                             // the one chosen; empty where there is none
  std::string text;                             // what it holds; empty where it cannot be read
  std::optional<config::Config> config;         // nothing where `diagnostics` holds an error
  std::vector<config::Diagnostic> diagnostics;  // all of them, by line
};

// Reads the file that `requested` names, or the default one.
LoadedConfiguration load_configuration(const std::string& requested);

// The registries of `config`, in file order, the offline one last.
std::vector<registry::Entry> registry_entries(const config::Config& config);
credentials::Keychain::Options keychain_options(const config::Config& config);
registry::ResolverOptions resolver_options(const config::Config& config);  // without a keychain
// `http` must outlive the executor's run, and `workers` the resolver. `former` is the one that it takes the place of,
// or null.
std::shared_ptr<const registry::Resolver> make_resolver(const config::Config& config, http::Client& http,
                                                        WorkerPool& workers, boost::asio::any_io_executor executor,
                                                        const registry::Resolver* former = nullptr);
// Whether a Resolver made for the one is as good as one made for the other.
bool resolve_alike(const config::Config& left, const config::Config& right);

}  // namespace shim::commands
