#include "config/parse.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <deque>
#include <filesystem>
#include <string>
#include <utility>

#include "config/block.h"
#include "config/cluster_keys.h"
#include "config/document.h"
#include "config/merge.h"
#include "config/overlay.h"
#include "config/registry_blocks.h"

namespace shim::config {

namespace {

Probe read_probe(Block block) {
  Probe probe;
  block.duration("timeout", probe.timeout);
  block.duration("hedgeDelay", probe.hedge_delay);
  block.number("failureThreshold", probe.failure_threshold);
  block.duration("recoveryInterval", probe.recovery_interval);
  block.finish();
  return probe;
}

Credentials read_credentials(Block block) {
  Credentials credentials;
  for (Text& file : block.texts("dockerConfig").value_or(std::vector<Text>{})) {
    if (file.value.starts_with('/')) {
      credentials.docker_config.push_back(std::move(file.value));
    } else {
      block.mismatch(file, "an absolute path");
    }
  }
  Block plugins = block.block("kubeletPlugins");
  plugins.optional_file("config", credentials.kubelet_plugins.config);
  plugins.optional_file("binDir", credentials.kubelet_plugins.bin_dir);
  if (plugins.has("config") != plugins.has("binDir")) {
    block.error("kubeletPlugins", "config and binDir are needed together");
  }
  plugins.finish();
  block.finish();
  return credentials;
}

// Kubernetes' names (DNS-1123 subdomains) and a ConfigMap's keys, as far as a mistyped one is worth an error here.
void read_name(Block& block, std::string_view key, std::string& value) {
  const std::optional<Text> written = block.text(key, "a name");
  if (!written) return;
  const bool is_name =
      !written->value.empty() && written->value.size() <= 253 && std::ranges::all_of(written->value, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
               c == '.';
      });
  if (!is_name) return block.mismatch(*written, "a name (letters, digits, - _ .)");
  value = written->value;
}

ConfigMap read_config_map(Block block) {
  ConfigMap config_map;
  block.choice("enabled", config_map.enabled, kEnabledNames);
  read_name(block, "namespace", config_map.name_space);
  read_name(block, "name", config_map.name);
  read_name(block, "key", config_map.key);
  block.optional_file("kubeconfig", config_map.kubeconfig);
  if (std::optional<std::vector<Text>> written = block.texts("env")) {
    config_map.env.clear();
    for (Text& pattern : *written) config_map.env.push_back(std::move(pattern.value));
  }
  block.finish();
  return config_map;
}

// `host:port`: an IPv4 address, a name, an IPv6 address in brackets, or nothing. Port 0: any free one.
bool is_endpoint(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return false;
  const std::string_view port = text.substr(colon + 1);
  unsigned int number = 0;
  const auto [end, code] = std::from_chars(port.data(), port.data() + port.size(), number);
  if (code != std::errc() || end != port.data() + port.size() || number > 65535) return false;
  std::string_view host = text.substr(0, colon);
  const bool is_bracketed = host.size() > 2 && host.starts_with('[') && host.ends_with(']');
  if (is_bracketed) host = host.substr(1, host.size() - 2);
  return std::ranges::all_of(host, [is_bracketed](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == (is_bracketed ? ':' : '-');
  });
}

Http read_http(Block block) {
  Http http;
  if (std::optional<Text> written = block.text("address", "host:port")) {
    if (written->value.empty() || is_endpoint(written->value)) {
      http.address = std::move(written->value);
    } else {
      block.mismatch(*written, "host:port such as 127.0.0.1:9731");
    }
  }
  block.finish();
  return http;
}

Log read_log(Block block) {
  Log log;
  block.choice("format", log.format, kLogFormatNames);
  block.finish();
  return log;
}

// One spelling of a socket's path, so that two are compared: /var/run is a link to /run on every supported system.
std::string socket_identity(const std::string& path) {
  const std::string normal = std::filesystem::path(path).lexically_normal().string();
  return normal.starts_with("/var/run/") ? normal.substr(std::string_view("/var").size()) : normal;
}

void read_sockets(Block& top, Config& config) {
  top.socket("shim", config.shim);
  top.socket("cri", config.cri);
  top.socket("admin", config.admin);
  const std::string shim = socket_identity(config.shim);
  const std::string cri = socket_identity(config.cri);
  const std::string admin = socket_identity(config.admin);
  if (shim == cri) top.error("shim", fmt::format("{} is also cri; the shim would call itself", config.shim));
  if (admin == shim) top.error("admin", "is the same socket as shim");
  if (admin == cri) top.error("admin", "is the same socket as cri");
}

Config read_config(Block& top) {
  Config config;
  read_sockets(top, config);
  top.choice("version", config.version, kCriVersionNames);
  top.file("image", config.image);
  top.duration("drainTimeout", config.drain_timeout);
  top.size("maxMessageSize", config.max_message_size);
  top.choice("fallback", config.fallback, kFallbackNames);
  top.flag("restoreNames", config.restore_names);
  config.offline = read_offline_registry(top);
  read_cluster_keys(top, config);
  config.probe = read_probe(top.block("probe"));
  config.credentials = read_credentials(top.block("credentials"));
  config.config_map = read_config_map(top.block("configMap"));
  config.http = read_http(top.block("http"));
  config.log = read_log(top.block("log"));
  top.finish();
  return config;
}

void note_idle_registries(const Config& config, Block& top, Diagnostics& diagnostics) {
  if (config.offline || !config.registries.empty()) return;
  if (config.fallback == Fallback::deny) top.warning("fallback", "deny has no effect without any registry");
  diagnostics.note(0, "", "no registry is configured: every image name is forwarded unchanged");
}

bool holds_keys(const Node& root, Diagnostics& diagnostics) {
  if (root.kind == Node::Kind::block || root.kind == Node::Kind::null) return true;
  diagnostics.error(root.place(), "", fmt::format("expected keys and values, got {}", kind_name(root.kind)));
  return false;
}

}  // namespace

ParseResult parse(std::string_view text, std::string_view file_name, const Environment& environment,
                  const Overlay* overlay) {
  Diagnostics diagnostics(file_name, overlay == nullptr ? "" : overlay->origin());
  const std::optional<Document> document = Document::parse(text, diagnostics);
  if (!document) return {std::nullopt, diagnostics.take()};
  std::deque<Node> nodes;
  const Node& root = overlay == nullptr ? document->root() : merge(document->root(), *overlay, nodes);
  if (!holds_keys(root, diagnostics)) return {std::nullopt, diagnostics.take()};
  const Reading reading{environment, diagnostics};
  Block top(root, "", reading);
  std::optional<Config> config = read_config(top);
  if (diagnostics.error_count() == 0) {
    note_idle_registries(*config, top, diagnostics);
  } else {
    config.reset();
  }
  return {std::move(config), diagnostics.take()};
}

std::set<std::string> paths_read(std::string_view text) {
  std::set<std::string> paths;
  Diagnostics diagnostics("");
  const std::optional<Document> document = Document::parse(text, diagnostics);
  if (!document || !holds_keys(document->root(), diagnostics)) return paths;
  const Environment no_variables = [](std::string_view) { return std::optional<std::string>(); };
  const Reading reading{no_variables, diagnostics, nullptr, &paths};
  Block top(document->root(), "", reading);
  read_config(top);
  return paths;
}

ParseResult parse(const Node& root, std::string_view file_name, const Environment& environment) {
  Diagnostics diagnostics(file_name);
  if (!holds_keys(root, diagnostics)) return {std::nullopt, diagnostics.take()};
  const Reading reading{environment, diagnostics};
  Block top(root, "", reading);
  std::optional<Config> config = read_config(top);
  if (diagnostics.error_count() > 0) config.reset();
  return {std::move(config), diagnostics.take()};
}

}  // namespace shim::config
