#include "runtimes/containerd_config.h"

#include <fmt/format.h>

#include "runtimes/toml.h"

namespace shim::runtimes {
namespace {

constexpr std::string_view kPlugin1 = "cri";
constexpr std::string_view kPlugin2 = "io.containerd.grpc.v1.cri";
constexpr std::string_view kPlugin3 = "io.containerd.cri.v1.images";
constexpr int kDefaultDownloads = 3;

void read_registry(const toml::table& registry, RegistrySettings& settings) {
  if (const std::string path = text_at(registry, "config_path"); !path.empty()) settings.config_path = path;
  for (const auto& [host, mirror] : table_at(registry, {"mirrors"})) {
    if (const toml::table* table = mirror.as_table()) {
      settings.mirrors[std::string(host.str())] = texts_at(*table, "endpoint");
    }
  }
  for (const auto& [host, config] : table_at(registry, {"configs"})) {
    const toml::table* table = config.as_table();
    if (table == nullptr || table->get("tls") == nullptr) continue;
    const toml::table& tls = table_at(*table, {"tls"});
    settings.tls[std::string(host.str())] = {.ca = text_at(tls, "ca_file"),
                                             .cert = text_at(tls, "cert_file"),
                                             .key = text_at(tls, "key_file"),
                                             .skip_verify = is_true_at(tls, "insecure_skip_verify")};
  }
}

// containerd's CheckLocalImagePullConfigs: each of these has it pull without the transfer service.
bool pulls_itself(const toml::table& images) {
  const toml::table& registry = table_at(images, {"registry"});
  for (const std::string_view name : {"mirrors", "configs", "auths"}) {
    if (!table_at(registry, {name}).empty()) return true;
  }
  for (const std::string_view name : {"use_local_image_pull", "discard_unpacked_layers", "image_pull_with_sync_fs"}) {
    if (is_true_at(images, name)) return true;
  }
  return !images["disable_snapshot_annotations"].value_or(true) ||
         images["max_concurrent_downloads"].value_or(kDefaultDownloads) != kDefaultDownloads;
}

void read_plugin(const toml::table& plugin, ContainerdConfig& config) {
  std::string sandbox = text_at(plugin, "sandbox_image");
  if (sandbox.empty()) sandbox = text_at(table_at(plugin, {"pinned_images"}), "sandbox");
  if (!sandbox.empty()) config.sandbox_image = std::move(sandbox);
  read_registry(table_at(plugin, {"registry"}), config.registries);
  config.pulls_itself = config.pulls_itself || pulls_itself(plugin);
}

// The version to write where there is no file.
int version_for(int version, Release release) {
  if (version != 0) return version;
  return release.major >= 2 ? 3 : 2;
}

std::string plugin_table(int version) {
  if (version == 1) return "plugins.cri";
  return fmt::format("plugins.\"{}\"", version == 2 ? kPlugin2 : kPlugin3);
}

// A new file has to begin with its version.
std::string version_line(int version, int written) {
  return version == 0 ? fmt::format("version = {}\n\n", written) : std::string();
}

}  // namespace

Expected<ContainerdConfig> read_containerd_config(std::string_view text) {
  const auto root = parse_toml(text);
  if (!root) return std::unexpected(root.error());
  ContainerdConfig config;
  config.version = (*root)["version"].value_or(1);
  config.imports = texts_at(*root, "imports");
  for (const std::string_view plugin : {kPlugin1, kPlugin2, kPlugin3}) {
    read_plugin(table_at(*root, {"plugins", plugin}), config);
  }
  return config;
}

void import_into(ContainerdConfig& config, const ContainerdConfig& imported) {
  if (imported.sandbox_image) config.sandbox_image = imported.sandbox_image;
  const RegistrySettings& from = imported.registries;
  RegistrySettings& into = config.registries;
  if (!from.config_path.empty()) into.config_path = from.config_path;
  for (const auto& [host, endpoints] : from.mirrors) into.mirrors[host] = endpoints;
  for (const auto& [host, tls] : from.tls) into.tls[host] = tls;
  config.pulls_itself = config.pulls_itself || imported.pulls_itself;
}

std::string config_path_lines(int version, Release release, std::string_view folder) {
  const int written = version_for(version, release);
  return fmt::format("{}[{}.registry]\n  config_path = {}\n", version_line(version, written), plugin_table(written),
                     toml_string(folder));
}

std::string sandbox_image_lines(int version, Release release, std::string_view image) {
  const int written = version_for(version, release);
  const std::string table = plugin_table(written) + (written >= 3 ? ".pinned_images" : "");
  return fmt::format("{}[{}]\n  {} = {}\n", version_line(version, written), table,
                     written >= 3 ? "sandbox" : "sandbox_image", toml_string(image));
}

std::string mirror_lines(int version, std::string_view host, std::string_view endpoint, const HostTls& tls) {
  const std::string registry = plugin_table(version_for(version, {})) + ".registry";
  std::string lines =
      fmt::format("[{}.mirrors.{}]\n  endpoint = [{}]\n", registry, toml_string(host), toml_string(endpoint));
  if (tls == HostTls()) return lines;
  lines += fmt::format("[{}.configs.{}.tls]\n", registry, toml_string(host));
  if (!tls.ca.empty()) lines += fmt::format("  ca_file = {}\n", toml_string(tls.ca));
  if (!tls.cert.empty()) lines += fmt::format("  cert_file = {}\n", toml_string(tls.cert));
  if (!tls.key.empty()) lines += fmt::format("  key_file = {}\n", toml_string(tls.key));
  if (tls.skip_verify) lines += "  insecure_skip_verify = true\n";
  return lines;
}

}  // namespace shim::runtimes
