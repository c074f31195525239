// The configuration of one image-cri-shim, as plain values: what the file says, checked, with every default filled in.
//
// A Config comes from parse() (parse.h) or, for tests, from its defaults. It does no I/O and is compared by value, so
// that a reload can tell whether anything changed. docs/configuration.md is the operators' page on each key.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/secret.h"
#include "http/tls_options.h"
#include "image/address.h"
#include "image/match.h"
#include "image/rewrite.h"

namespace shim::config {

enum class CriVersion { automatic, v1, v1alpha2 };
enum class Fallback { upstream, deny };
enum class DigestFallback { none, tag };
enum class LogFormat { text, json };
enum class Enabled { automatic, yes, no };

inline constexpr int kDefaultPriority = 500;
inline constexpr int kDefaultOfflinePriority = 1000;
inline constexpr int kHighestPriority = 10'000;
inline constexpr int kLowestPriority = 0;  // what a negative number means; a written 0 means the default

// What `auth` says. Either anonymous (all empty: `auth: ""`), user name with a password (or the file that holds it,
// read when used), or an identity token (with or without a user name).
struct Auth {
  std::string username;
  Secret password;
  std::string password_file;
  Secret identity_token;

  bool is_anonymous() const { return username.empty() && identity_token.empty(); }
  friend bool operator==(const Auth&, const Auth&) = default;
};

// What every registry says beside its address, the offline one (`offline: {…}`) included.
struct Routing {
  std::optional<std::vector<image::Pattern>> match;  // nothing: the default, see effective_rule()
  std::vector<image::Pattern> exclude;
  std::vector<std::string> namespaces;  // of pods, globs allowed; empty: any
  std::vector<image::RewriteRule> rewrite;
  DigestFallback digest_fallback = DigestFallback::none;
  http::TlsOptions tls;

  friend bool operator==(const Routing&, const Routing&) = default;
};

// One registry: an entry of `registries`, or the offline one.
struct Registry {
  image::Address address;
  std::optional<Auth> auth;     // nothing: other sources of credentials may answer; anonymous where `auth: ""`
  std::optional<int> priority;  // 0–10000, clamped; nothing: the default
  Routing routing;

  friend bool operator==(const Registry&, const Registry&) = default;
};

// Which images the registry answers for: its own `match`, or the default: every image (`*`), but for a well-known
// public registry only the images that are its own.
image::MatchRule effective_rule(const Registry& registry);

struct Probe {
  std::chrono::nanoseconds timeout = std::chrono::seconds(2);  // of all probes of one resolution together
  std::chrono::nanoseconds hedge_delay = std::chrono::milliseconds(150);
  int failure_threshold = 2;
  std::chrono::nanoseconds recovery_interval = std::chrono::seconds(5);

  friend bool operator==(const Probe&, const Probe&) = default;
};

struct Cache {
  int image_cache_size = 1024;  // references; 0: off
  std::chrono::nanoseconds image_cache_ttl = std::chrono::minutes(30);
  std::chrono::nanoseconds domain_cache_ttl = std::chrono::minutes(10);
  std::chrono::nanoseconds not_found_ttl = std::chrono::seconds(10);
  std::chrono::nanoseconds stats_log_interval = std::chrono::minutes(1);  // 0: never
  bool disable_stats = false;

  friend bool operator==(const Cache&, const Cache&) = default;
};

struct KubeletPlugins {
  std::string config;   // file of kind CredentialProviderConfig; empty: no plugins
  std::string bin_dir;  // folder of their executables

  friend bool operator==(const KubeletPlugins&, const KubeletPlugins&) = default;
};

struct Credentials {
  std::vector<std::string> docker_config;  // files in docker's config.json form, first answer wins
  KubeletPlugins kubelet_plugins;

  friend bool operator==(const Credentials&, const Credentials&) = default;
};

struct ConfigMap {
  Enabled enabled = Enabled::automatic;
  std::string name_space = "kube-system";
  std::string name = "image-cri-shim";
  std::string key = "registries.yaml";
  std::string kubeconfig;  // file; empty: found as DESIGN 6 lists
  // Variables that a ConfigMap may name in `${…}`, globs.
  std::vector<std::string> env = {"SEALOS_*", "DOCKER_*", "REGISTRY_*", "IMAGE_CRI_SHIM_*"};

  friend bool operator==(const ConfigMap&, const ConfigMap&) = default;
};

struct Http {
  std::string address;  // `host:port` of the endpoints; empty: none

  friend bool operator==(const Http&, const Http&) = default;
};

struct Log {
  LogFormat format = LogFormat::text;

  friend bool operator==(const Log&, const Log&) = default;
};

struct Config {
  std::string shim = "/var/run/image-cri-shim.sock";     // path, without unix://
  std::string cri = "/run/containerd/containerd.sock";   // path, without unix://
  std::string admin = "/run/image-cri-shim/admin.sock";  // path, without unix://
  std::string image = "/var/lib/image-cri-shim";         // the state directory
  CriVersion version = CriVersion::automatic;
  bool force = false;  // listen before the runtime answers
  bool debug = false;
  bool restore_names = true;
  std::chrono::nanoseconds timeout = std::chrono::minutes(15);  // each call that the shim makes to the runtime
  std::chrono::nanoseconds drain_timeout = std::chrono::seconds(10);
  std::chrono::nanoseconds reload_interval = std::chrono::seconds(15);
  std::uint64_t max_message_size = 16 * 1024 * 1024;  // bytes
  Fallback fallback = Fallback::upstream;
  std::optional<Registry> offline;   // `address`, `auth`, `offlinePriority` and the block `offline`
  std::vector<Registry> registries;  // file order
  Probe probe;
  Cache cache;
  Credentials credentials;
  ConfigMap config_map;
  Http http;
  Log log;

  friend bool operator==(const Config&, const Config&) = default;
};

}  // namespace shim::config
