#include "config/keys.h"

#include <algorithm>
#include <cassert>
#include <string>

namespace shim::config {

namespace {

using namespace std::chrono_literals;

constexpr std::string_view kFlag = "true or false";
constexpr std::string_view kSocket = "the absolute path of a socket";
constexpr std::string_view kPath = "an absolute path";
constexpr std::string_view kDuration = "a duration";
constexpr std::string_view kNumber = "a number";
constexpr std::string_view kSize = "a size";
constexpr std::string_view kName = "a name";
constexpr std::string_view kText = "text";
constexpr std::string_view kFirst = "0.1.0";

constexpr Effect kLive = Effect::live;
constexpr Effect kRestart = Effect::restart;

// clang-format off
constexpr Key kKeys[] = {
    {"shim", kSocket, {}, "/var/run/image-cri-shim.sock", kRestart, "", kFirst,
     "Where the kubelet and `crictl` connect to; `unix:///path` is the same. At most 107 bytes.",
     "shim: unix:///run/image-cri-shim.sock\n"},
    {"cri", kSocket, {}, "/run/containerd/containerd.sock", kRestart, "", kFirst,
     "The container runtime: containerd, CRI-O, cri-dockerd. Another socket than `shim`.",
     "cri: /var/run/cri-dockerd.sock\n"},
    {"version", "auto, v1 or v1alpha2", {}, "auto", kLive, "", kFirst,
     "The CRI version that the runtime speaks. `auto` asks it. A version that the runtime does not have is warned "
     "about and treated as `auto`.", ""},
    {"image", kPath, {}, "/var/lib/image-cri-shim", kRestart, "", kFirst,
     "The state directory: under which name each image was pulled, and a copy of the last good configuration. Made where "
     "it is missing.", ""},
    {"force", kFlag, {}, "false", kLive, "force", kFirst,
     "`true` listens at once. `false` waits until the runtime answers. Counts until it listens.", ""},
    {"debug", kFlag, {}, "false", kLive, "debug", kFirst, "Log at debug level.", ""},
    {"timeout", kDuration, DurationBounds{100ms, 24h}, "15m", kLive, "timeout", kFirst,
     "For each call that the shim makes to the runtime, such as one pull attempt.", "timeout: 20m\n"},
    {"drainTimeout", kDuration, DurationBounds{1ms, 1h}, "10s", kLive, "", kFirst,
     "How long calls in flight may go on after SIGTERM. The unit's `TimeoutStopSec` must be longer.", ""},
    {"maxMessageSize", kSize, SizeBounds{64 * 1024, 64 * 1024 * 1024}, "16Mi", kLive, "", kFirst,
     "The largest image request or answer. Other calls have no limit.", ""},
    {"reloadInterval", kDuration, DurationBounds{1s, 24h}, "15s", kLive, "reloadInterval", kFirst,
     "How often the file is looked at even if nothing was heard of a change, and the ConfigMap where it may not be "
     "watched.", ""},
    {"fallback", "upstream or deny", {}, "upstream", kLive, "", kFirst,
     "What comes after all registries: the image's own registry, or an error (air gap).",
     "address: http://sealos.hub:5000\nfallback: deny\n"},
    {"restoreNames", kFlag, {}, "true", kLive, "", kFirst,
     "Show Kubernetes the image names that users wrote.", ""},
    {"log.format", "text or json", {}, "text", kLive, "", kFirst, "The form of the log lines.",
     "log: {format: json}\n"},
    {"admin", kSocket, {}, "/run/image-cri-shim/admin.sock", kRestart, "", kFirst,
     "For the commands that ask the running shim. Root alone may use it. Another socket than `shim` and `cri`.", ""},
    {"http.address", "host:port", {}, "\"\"", kLive, "", kFirst,
     "Metrics and health over TCP, without login: an IP address (IPv6 in brackets) or `localhost`; `:port` is "
     "loopback; port 0 any free one; `\"\"` none.",
     "http: {address: \"127.0.0.1:9731\"}\n"},

    {"address", "an address", {}, "", kLive, "sealos.address", kFirst,
     "The offline registry: `[http://|https://]host[:port][/prefix]`. Without a scheme https, for loopback hosts http.",
     "address: http://sealos.hub:5000\nauth: admin:passw0rd\n"},
    {"auth", "user:password, \"\" or a block", {}, "", kLive, "sealos.auth", kFirst,
     "Credentials of the offline registry; the forms are those of `registries[].auth`.", ""},
    {"offlinePriority", kNumber, {}, "1000", kLive, "offlinePriority", kFirst,
     "Of the offline registry; as `registries[].priority`.", "address: http://sealos.hub:5000\nofflinePriority: 400\n"},
    {"offline", "a block of keys", {}, "", kLive, "", kFirst,
     "Further keys of the offline registry: `match`, `exclude`, `namespaces`, `rewrite`, `digestFallback`, `tls`, as in "
     "`registries[]`.",
     "address: https://sealos.hub\noffline: {exclude: [docker.io/library/busybox], tls: {ca: /etc/ssl/hub.pem}}\n"},

    {"registries", "a list", {}, "[]", kLive, "registries", kFirst,
     "Further registries, at most 1000. A ConfigMap's list replaces the whole list.", ""},
    {"registries[].address", "an address", {}, "", kLive, "registries[].address", kFirst,
     "As `address`; needed. A path is put before every repository.",
     "registries:\n- address: https://harbor.local/dockerhub\n  match: [docker.io]\n"},
    {"registries[].auth", "user:password, \"\" or a block", {}, "", kLive, "registries[].auth", kFirst,
     "`user:password`, split at the first colon; `\"\"` is anonymous, and final; or the block below. Without it, "
     "`credentials` are asked.",
     "registries:\n- address: harbor.local\n  auth: {username: robot, passwordFile: /etc/harbor.pw}\n"},
    {"registries[].auth.username", kText, {}, "", kLive, "registries[].auth.username", kFirst, "The user's name.", ""},
    {"registries[].auth.password", kText, {}, "", kLive, "registries[].auth.password", kFirst,
     "The password. Excludes the next two.", ""},
    {"registries[].auth.passwordFile", kPath, {}, "", kLive, "", kFirst,
     "A file that holds the password, at most 64 KiB; read when it is used, and again when it changed.", ""},
    {"registries[].auth.identityToken", kText, {}, "", kLive, "registries[].auth.identityToken", kFirst,
     "An OAuth2 refresh token, with or without `username`. CRI-O ignores it.", ""},
    {"registries[].priority", kNumber, {}, "500", kLive, "registries[].priority", kFirst,
     "0 to 10000; higher is asked first. Equal ones: the offline registry, then file order. 0 is the default; above "
     "10000 is 10000 and below 0 is the lowest of all, each with a warning.", ""},
    {"registries[].match", "a list", {}, "", kLive, "registries[].match", kFirst,
     "For which images it is asked: `*`, `host[:port]`, `*.host`, `host/path` (whole components), `host/glob*`. Without "
     "it every image (`*`); a well-known public registry only its own.",
     "registries:\n- address: harbor.local\n  match: [docker.io, ghcr.io/our-org, \"*.gcr.io\"]\n"},
    {"registries[].exclude", "a list", {}, "[]", kLive, "registries[].exclude", kFirst,
     "For which it is not; patterns as in `match`.", ""},
    {"registries[].namespaces", "a list", {}, "[]", kLive, "registries[].namespaces", kFirst,
     "Only for pods of these namespaces, `*` allowed in each; empty: any. It routes and does not authorise.",
     "registries:\n- address: harbor.local\n  namespaces: [team-*]\n"},
    {"registries[].rewrite", "a list", {}, "[]", kLive, "registries[].rewrite", kFirst,
     "The first rule whose `from` is found in `host/path` makes the path on this registry.",
     "registries:\n- address: harbor.local\n  rewrite: [{from: '^docker\\.io/(.*)$', to: 'hub/\\1'}]\n"},
    {"registries[].rewrite[].from", "a regular expression", {}, "", kLive, "registries[].rewrite[].from", kFirst,
     "An RE2 expression; variables are not expanded.", ""},
    {"registries[].rewrite[].to", kText, {}, "", kLive, "registries[].rewrite[].to", kFirst,
     "What replaces it; `\\1` is a group.", ""},
    {"registries[].digestFallback", "none or tag", {}, "none", kLive, "registries[].digestFallback", kFirst,
     "`tag`: where a digest is missing, pull `name:tag` of `name:tag@sha256:…`, with a warning each time.", ""},
    {"registries[].tls.ca", kPath, {}, "\"\"", kLive, "registries[].tls.ca", kFirst,
     "PEM file of the authorities to trust; without it the system's.", ""},
    {"registries[].tls.cert", kPath, {}, "", kLive, "", kFirst, "Client certificate; needs `key`.",
     "registries:\n- address: harbor.local\n  tls: {cert: /etc/ssl/node.pem, key: /etc/ssl/node.key}\n"},
    {"registries[].tls.key", kPath, {}, "", kLive, "", kFirst, "Key of the client certificate; needs `cert`.", ""},
    {"registries[].tls.insecureSkipVerify", kFlag, {}, "false", kLive, "registries[].tls.insecureSkipVerify", kFirst,
     "Do not verify the registry's certificate.", ""},

    {"probe.timeout", kDuration, DurationBounds{10ms, 1min}, "2s", kLive, "", kFirst,
     "For all registries that are asked about one image, together.", ""},
    {"probe.hedgeDelay", kDuration, DurationBounds{1ms, 1min}, "150ms", kLive, "", kFirst,
     "After which the next registry is asked as well; shorter where there are many, so that all are asked within half of "
     "`probe.timeout`.", ""},
    {"probe.failureThreshold", kNumber, NumberBounds{1, 100}, "2", kLive, "", kFirst,
     "Failures in a row after which a registry is left out; one time-out is enough.", ""},
    {"probe.recoveryInterval", kDuration, DurationBounds{100ms, 1h}, "5s", kLive, "", kFirst,
     "How often one that is left out is checked, while pulls want it; up to a minute apart when none does.", ""},

    {"cache.imageCacheSize", kNumber, NumberBounds{0, 1'000'000}, "1024", kLive, "cache.imageCacheSize", kFirst,
     "Images whose answers are kept, of each registry; 0: none.", ""},
    {"cache.imageCacheTTL", kDuration, DurationBounds{1s, 720h}, "30m", kLive, "cache.imageCacheTTL", kFirst,
     "How long a registry's yes counts.", ""},
    {"cache.domainCacheTTL", kDuration, DurationBounds{1s, 720h}, "10m", kLive, "cache.domainCacheTTL", kFirst,
     "The longest use of a registry's token.", ""},
    {"cache.notFoundTTL", kDuration, DurationBounds{100ms, 24h}, "10s", kLive, "cache.notFoundTTL", kFirst,
     "How long a registry's no counts; an error is never kept.", ""},
    {"cache.statsLogInterval", kDuration, DurationBounds{1s, 24h, true}, "1m", kLive, "cache.statsLogInterval", kFirst,
     "Between two lines of statistics; 0: never.", ""},
    {"cache.disableStats", kFlag, {}, "false", kLive, "cache.disableStats", kFirst, "No such lines.", ""},

    {"credentials.dockerConfig", "a list", {}, "[]", kLive, "", kFirst,
     "Files in the form of docker's `config.json`, the first answer counts. For registries without an `auth`.",
     "credentials: {dockerConfig: [/etc/docker/config.json]}\n"},
    {"credentials.kubeletPlugins.config", kPath, {}, "", kLive, "", kFirst,
     "The kubelet's file of kind `CredentialProviderConfig`; needs `binDir`.",
     "credentials:\n  kubeletPlugins:\n    config: /etc/kubernetes/credential-provider.yaml\n"
     "    binDir: /usr/local/bin/credential-providers\n"},
    {"credentials.kubeletPlugins.binDir", kPath, {}, "", kLive, "", kFirst, "The folder of the plugins.", ""},

    {"configMap.enabled", "auto, true or false", {}, "auto", kLive, "", kFirst,
     "Take configuration from a ConfigMap. `auto` and `true` differ in the log alone.",
     "configMap: {enabled: false}\n"},
    {"configMap.namespace", kName, {}, "kube-system", kLive, "", kFirst, "Of the ConfigMap.", ""},
    {"configMap.name", kName, {}, "image-cri-shim", kLive, "", kFirst, "Of the ConfigMap.", ""},
    {"configMap.key", kName, {}, "registries.yaml", kLive, "", kFirst, "Which of its values.", ""},
    {"configMap.kubeconfig", kPath, {}, "\"\"", kLive, "", kFirst,
     "How to reach the API server; `\"\"`: found, see [configuration](configuration.md#how-it-is-reached).", ""},
    {"configMap.env", "a list", {}, R"(["SEALOS_*", "DOCKER_*", "REGISTRY_*", "IMAGE_CRI_SHIM_*"])", kLive, "", kFirst,
     "Variables of the node that the ConfigMap may name, as globs.", ""},
};
// clang-format on

// `registries[1].match` and `offline.match` are `registries[].match`, `auth.username` is `registries[].auth.username`.
std::string path_of_key(std::string_view path) {
  std::string result;
  for (std::size_t i = 0; i < path.size(); ++i) {
    result += path[i];
    if (path[i] == '[') i = std::min(path.find(']', i), path.size()) - 1;
  }
  constexpr std::string_view kOffline = "offline.";
  if (result.starts_with(kOffline)) return "registries[]." + result.substr(kOffline.size());
  if (result.starts_with("auth.")) return "registries[]." + result;
  return result;
}

template <class Bounds>
const Bounds& bounds_of(std::string_view path) {
  const Key* key = find_key(path);
  assert(key != nullptr && std::holds_alternative<Bounds>(key->bounds));
  return *std::get_if<Bounds>(&key->bounds);
}

}  // namespace

std::span<const Key> keys() {
  return kKeys;
}

const Key* find_key(std::string_view path) {
  const auto* found = std::ranges::find(kKeys, path_of_key(path), &Key::path);
  return found == std::ranges::end(kKeys) ? nullptr : found;
}

const DurationBounds& duration_bounds(std::string_view path) {
  return bounds_of<DurationBounds>(path);
}

const NumberBounds& number_bounds(std::string_view path) {
  return bounds_of<NumberBounds>(path);
}

const SizeBounds& size_bounds(std::string_view path) {
  return bounds_of<SizeBounds>(path);
}

bool is_of_the_node_alone(std::string_view key) {
  bool is_known = false;
  for (const Key& candidate : kKeys) {
    const std::string_view top = candidate.path.substr(0, candidate.path.find_first_of(".["));
    if (top != key) continue;
    if (!candidate.in_config_map.empty()) return false;
    is_known = true;
  }
  return is_known;
}

}  // namespace shim::config
