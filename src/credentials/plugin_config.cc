#include "credentials/plugin_config.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.h"
#include "base/units.h"
#include "config/document.h"
#include "credentials/image_match.h"

namespace shim::credentials {
namespace {

using config::Diagnostics;
using config::Document;
using config::Node;

constexpr std::string_view kKind = "CredentialProviderConfig";
constexpr std::array<std::string_view, 3> kFileVersions = {"kubelet.config.k8s.io/v1", "kubelet.config.k8s.io/v1beta1",
                                                           "kubelet.config.k8s.io/v1alpha1"};
constexpr std::array<std::string_view, 3> kPluginVersions = {"credentialprovider.kubelet.k8s.io/v1",
                                                             "credentialprovider.kubelet.k8s.io/v1beta1",
                                                             "credentialprovider.kubelet.k8s.io/v1alpha1"};

template <class List>
bool contains(const List& list, std::string_view text) {
  return std::ranges::find(list, text) != list.end();
}

// One block of the file, and where it stands.
class Part {
 public:
  Part(const Node& node, std::string path, Diagnostics& diagnostics)
      : node_(node), path_(std::move(path)), diagnostics_(diagnostics) {
    if (node_.kind != Node::Kind::block) error("", fmt::format("expected a block, got {}", kind_name(node_.kind)));
  }

  // Null where it is absent or null.
  const Node* find(std::string_view key) const {
    for (const Node::Member& member : node_.members) {
      if (member.key == key && member.value->kind != Node::Kind::null) return member.value;
    }
    return nullptr;
  }
  std::string text(std::string_view key) const {
    const Node* found = find(key);
    if (found == nullptr) return {};
    if (found->kind == Node::Kind::scalar) return found->text;
    error(key, fmt::format("expected text, got {}", kind_name(found->kind)));
    return {};
  }
  std::string needed_text(std::string_view key) const {
    if (find(key) == nullptr) error(key, "is missing");
    return text(key);
  }
  std::vector<const Node*> list(std::string_view key) const {
    const Node* found = find(key);
    if (found == nullptr) return {};
    if (found->kind == Node::Kind::list) return found->items;
    error(key, fmt::format("expected a list, got {}", kind_name(found->kind)));
    return {};
  }
  std::vector<std::string> texts(std::string_view key) const {
    std::vector<std::string> texts;
    for (const Node* item : list(key)) {
      if (item->kind == Node::Kind::scalar) {
        texts.push_back(item->text);
      } else {
        error(fmt::format("{}[{}]", key, texts.size()), fmt::format("expected text, got {}", kind_name(item->kind)));
      }
    }
    return texts;
  }
  std::vector<Part> parts(std::string_view key) const {
    std::vector<Part> parts;
    for (const Node* item : list(key)) {
      parts.emplace_back(*item, path_of(fmt::format("{}[{}]", key, parts.size())), diagnostics_);
    }
    return parts;
  }
  void error(std::string_view key, std::string message) const {
    diagnostics_.error(line_of(key), path_of(key), std::move(message));
  }
  void warning(std::string_view key, std::string message) const {
    diagnostics_.warning(line_of(key), path_of(key), std::move(message));
  }

 private:
  std::string path_of(std::string_view key) const {
    return path_.empty() || key.empty() ? path_ + std::string(key) : fmt::format("{}.{}", path_, key);
  }
  int line_of(std::string_view key) const {
    const Node* found = find(key);
    return found != nullptr ? found->line : node_.line;
  }

  const Node& node_;
  std::string path_;
  Diagnostics& diagnostics_;
};

void check_version(const Part& part, std::string_view version, const std::array<std::string_view, 3>& known) {
  if (version.empty() || contains(known, version)) return;
  part.error("apiVersion", fmt::format("expected {}, got {}", fmt::join(known, " or "), in_quotes(version)));
}

std::string read_name(const Part& part) {
  std::string name = part.needed_text("name");
  if (name.find('/') != std::string::npos || name.find(' ') != std::string::npos || name == "." || name == "..") {
    part.error("name", fmt::format("{} is not the name of an executable: no slash, no space", in_quotes(name)));
  }
  return name;
}

std::vector<std::string> read_patterns(const Part& part) {
  std::vector<std::string> patterns = part.texts("matchImages");
  if (patterns.empty()) part.error("matchImages", "needs at least one pattern");
  for (const std::string& pattern : patterns) {
    if (!is_image_pattern(pattern)) {
      part.error("matchImages", fmt::format("{} is not host[:port][/path]", in_quotes(pattern)));
    }
  }
  return patterns;
}

std::chrono::nanoseconds read_default_cache_duration(const Part& part) {
  const std::string text = part.needed_text("defaultCacheDuration");
  if (text.empty()) return {};
  const auto duration = parse_duration(text);
  if (!duration) {
    part.error("defaultCacheDuration", fmt::format("expected a duration such as 12h, got {}", in_quotes(text)));
  }
  return duration.value_or(std::chrono::nanoseconds(0));
}

Variables read_environment(const Part& part) {
  Variables variables;
  for (const Part& variable : part.parts("env")) {
    std::string name = variable.needed_text("name");
    if (name.find('=') != std::string::npos || name.find('\0') != std::string::npos) {
      variable.error("name", "is not the name of a variable");
    }
    variables.emplace_back(std::move(name), variable.text("value"));
  }
  return variables;
}

Plugin read_plugin(const Part& part) {
  Plugin plugin{.name = read_name(part),
                .api_version = part.needed_text("apiVersion"),
                .match_images = read_patterns(part),
                .default_cache_duration = read_default_cache_duration(part),
                .arguments = part.texts("args"),
                .environment = read_environment(part)};
  check_version(part, plugin.api_version, kPluginVersions);
  return plugin;
}

PluginConfig read_file(const Part& top) {
  const std::string kind = top.needed_text("kind");
  if (!kind.empty() && kind != kKind) top.error("kind", fmt::format("expected {}, got {}", kKind, in_quotes(kind)));
  check_version(top, top.needed_text("apiVersion"), kFileVersions);
  PluginConfig config;
  std::vector<std::string> names;
  const std::vector<Part> parts = top.parts("providers");
  if (parts.empty()) top.error("providers", "needs at least one");
  for (const Part& part : parts) {
    Plugin plugin = read_plugin(part);
    if (contains(names, plugin.name)) part.error("name", fmt::format("{} stands twice", in_quotes(plugin.name)));
    names.push_back(plugin.name);
    if (part.find("tokenAttributes") != nullptr) {
      part.warning("tokenAttributes", "only the kubelet can give a plugin tokens of service accounts: it is left out");
    } else {
      config.plugins.push_back(std::move(plugin));
    }
  }
  return config;
}

}  // namespace

bool Plugin::matches(std::string_view image) const {
  return std::ranges::any_of(match_images, [&](const std::string& each) { return matches_image(each, image); });
}

PluginConfigResult read_plugin_config(std::string_view text, std::string_view file) {
  Diagnostics diagnostics(file);
  const auto document = Document::parse_json_or_yaml(text, diagnostics);
  if (!document) return {std::nullopt, diagnostics.take()};
  std::optional<PluginConfig> config = read_file(Part(document->root(), "", diagnostics));
  if (diagnostics.error_count() > 0) config.reset();
  return {std::move(config), diagnostics.take()};
}

Expected<PluginConfig> parse_plugin_config(std::string text, const std::string& file) {
  PluginConfigResult result = read_plugin_config(text, file);
  if (result.config) return std::move(*result.config);
  std::string message;
  for (const config::Diagnostic& diagnostic : result.diagnostics) {
    if (diagnostic.severity != config::Severity::error) continue;
    message += (message.empty() ? "" : "; ") + to_string(diagnostic);
  }
  return fail(std::move(message));
}

}  // namespace shim::credentials
