#include "config/meaning.h"

#include <algorithm>

#include "config/parse.h"

namespace shim::config {

namespace {

bool has_variables(const Node& node) {
  return node.text.find("${") != std::string::npos ||
         std::ranges::any_of(node.items, [](const Node* item) { return has_variables(*item); }) ||
         std::ranges::any_of(node.members, [](const Node::Member& member) { return has_variables(*member.value); });
}

// A file that says nothing but `key`; with an address, without which `auth` and `offlinePriority` would say nothing.
std::optional<Config> config_of(std::string_view key, const Node* value, const Environment& environment) {
  Node address;
  address.kind = Node::Kind::scalar;
  address.text = "registry.example";
  Node root;
  root.kind = Node::Kind::block;
  if (key != "address") root.members.push_back({.key = "address", .value = &address});
  if (value != nullptr) root.members.push_back({.key = std::string(key), .value = value});
  return parse(root, "", environment).config;
}

}  // namespace

bool mean_the_same(std::string_view key, const Node* local, const Node& ours, const Environment& environment) {
  if (local != nullptr && hold_the_same(*local, ours)) return true;
  if (has_variables(ours) || (local != nullptr && has_variables(*local))) return false;
  const std::optional<Config> with_ours = config_of(key, &ours, environment);
  return with_ours && with_ours == config_of(key, local, environment);
}

}  // namespace shim::config
