#include "config/origins.h"

#include <fmt/format.h>

#include <deque>
#include <optional>
#include <unordered_map>
#include <utility>

#include "config/document.h"
#include "config/environment.h"
#include "config/merge.h"

namespace shim::config {

namespace {

using Origins = std::unordered_map<std::string, Origin>;  // of values and lists of values, by path

std::string path_below(const std::string& path, std::string_view key) {
  return path.empty() ? std::string(key) : fmt::format("{}.{}", path, key);
}

bool is_list_of_values(const Node& node) {
  if (node.kind != Node::Kind::list) return false;
  for (const Node* item : node.items) {
    if (item->kind == Node::Kind::block || item->kind == Node::Kind::list) return false;
  }
  return true;
}

bool is_expanded(std::string_view path) {
  return path.find("rewrite[") == std::string_view::npos;
}

void add_variables(const Node& value, Origin& origin) {
  for (const std::string_view name : variables_of(value.text)) origin.variables.emplace_back(name);
  for (const Node* item : value.items) add_variables(*item, origin);
}

Origin origin_of(const Node::Member& member, std::string_view path) {
  const bool is_of_file = member.source == Node::Source::file;
  Origin origin{is_of_file ? Origin::Kind::file : Origin::Kind::config_map, member.line, {}};
  if (is_expanded(path)) add_variables(*member.value, origin);
  return origin;
}

void collect(const Node& node, const std::string& path, Origins& origins);

void collect_member(const Node::Member& member, const std::string& path, Origins& origins) {
  const Node& value = *member.value;
  if (value.kind == Node::Kind::null) return;
  if (value.kind == Node::Kind::scalar || is_list_of_values(value)) {
    origins.try_emplace(path, origin_of(member, path));
  } else {
    collect(value, path, origins);
  }
}

void collect(const Node& node, const std::string& path, Origins& origins) {
  for (const Node::Member& member : node.members) collect_member(member, path_below(path, member.key), origins);
  for (std::size_t i = 0; i < node.items.size(); ++i) {
    collect(*node.items[i], fmt::format("{}[{}]", path, i), origins);
  }
}

// Of a printed path: the value itself, or one that stands for its whole block (`auth: user:password`).
Origin find(const Origins& origins, const std::string& path) {
  if (const auto found = origins.find(path); found != origins.end()) return found->second;
  const auto whole = origins.find(path.substr(0, path.rfind('.')));
  return whole == origins.end() ? Origin() : whole->second;
}

std::optional<Document> document_of(std::string_view text) {
  Diagnostics diagnostics("");
  return Document::parse(text, diagnostics);
}

Origins origins_of(std::string_view text, const Overlay* overlay) {
  Origins origins;
  const std::optional<Document> document = document_of(text);
  if (!document) return origins;
  std::deque<Node> nodes;
  collect(overlay ? merge(document->root(), *overlay, nodes) : document->root(), "", origins);
  return origins;
}

class SettingList {
 public:
  explicit SettingList(const Origins& origins) : origins_(origins) {}

  void add_block(const Node& block, const std::string& path) {
    for (const Node::Member& member : block.members) add(member, path_below(path, member.key));
  }
  std::vector<Setting> take() { return std::move(settings_); }

 private:
  void add(const Node::Member& member, const std::string& path) {
    const Node& value = *member.value;
    if (value.kind == Node::Kind::block) {
      add_block(value, path);
    } else if (value.kind == Node::Kind::scalar) {
      settings_.push_back({path, value.text, member.line, find(origins_, path)});
    } else if (is_list_of_values(value)) {
      std::vector<std::string> items;
      for (const Node* item : value.items) items.push_back(item->text);
      settings_.push_back({path, std::move(items), member.line, find(origins_, path)});
    } else {
      for (std::size_t i = 0; i < value.items.size(); ++i) add_block(*value.items[i], fmt::format("{}[{}]", path, i));
    }
  }

  const Origins& origins_;
  std::vector<Setting> settings_;
};

}  // namespace

std::vector<Setting> settings_of(std::string_view printed, std::string_view text, const Overlay* overlay) {
  const std::optional<Document> document = document_of(printed);
  if (!document) return {};
  const Origins origins = origins_of(text, overlay);
  SettingList settings(origins);
  settings.add_block(document->root(), "");
  return settings.take();
}

std::vector<std::string> pending_restart(const std::vector<Setting>& printed, const std::vector<Setting>& wanted) {
  std::unordered_map<std::string_view, const Setting*> by_path;
  for (const Setting& setting : wanted) by_path.emplace(setting.path, &setting);
  std::vector<std::string> lines;
  for (const Setting& setting : printed) {
    const auto found = by_path.find(setting.path);
    const auto* in_use = std::get_if<std::string>(&setting.value);
    const auto* next = found == by_path.end() ? nullptr : std::get_if<std::string>(&found->second->value);
    if (!in_use || !next || *in_use == *next) continue;
    lines.push_back(fmt::format("{}: {} needs a restart; in use is {}", setting.path, *next, *in_use));
  }
  return lines;
}

}  // namespace shim::config
