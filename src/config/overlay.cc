#include "config/overlay.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <deque>
#include <unordered_map>
#include <utility>

#include "base/text.h"
#include "config/auth_block.h"
#include "config/cluster_keys.h"
#include "config/keys.h"
#include "config/load.h"
#include "config/registry_blocks.h"

namespace shim::config {

namespace {

// The documented order of the keys, as the file names them.
constexpr std::array<std::string_view, 9> kKeys = {"address", "auth",    "offlinePriority", "registries", "force",
                                                   "debug",   "timeout", "reloadInterval",  "cache"};

struct Nodes {
  std::optional<Document> document;
  std::deque<Node> changed;  // nodes of the document with something left out
  const Node nothing;
};

bool is_empty(const Node& node) {
  return node.kind == Node::Kind::null || (node.kind == Node::Kind::scalar && node.text.empty());
}

// What a template that was filled in with nothing leaves of `auth`.
bool is_empty_auth(const Node& node) {
  if (node.kind == Node::Kind::block) {
    return std::ranges::all_of(node.members, [](const Node::Member& member) { return is_empty(*member.value); });
  }
  return is_empty(node) || (node.kind == Node::Kind::scalar && node.text == ":");
}

// What these are given and give back are nodes of the document, or new ones; `nodes` holds both.
// NOLINTBEGIN(bugprone-return-const-ref-from-parameter)

// The block with null for every value that `is_absent`; anything else than a block as it is.
template <class Rule>
const Node& with_nulls(const Node& block, Nodes& nodes, Rule is_absent) {
  if (std::ranges::none_of(block.members, is_absent)) return block;
  Node& result = nodes.changed.emplace_back(block);
  for (Node::Member& member : result.members) {
    if (is_absent(member)) member.value = &nodes.nothing;
  }
  return result;
}

// The block with the value of `key` made anew; anything else than a block as it is.
template <class Change>
const Node& with_changed(const Node& block, std::string_view key, Nodes& nodes, Change change) {
  const auto is_key = [key](const Node::Member& member) { return member.key == key; };
  if (std::ranges::none_of(block.members, is_key)) return block;
  Node& result = nodes.changed.emplace_back(block);
  for (Node::Member& member : result.members) {
    if (is_key(member)) member.value = &change(*member.value);
  }
  return result;
}

const Node& without_empty_values(const Node& block, Nodes& nodes) {
  return with_nulls(block, nodes, [](const Node::Member& member) { return is_empty(*member.value); });
}

// An entry of `registries`: there, an empty `auth` is an anonymous one.
const Node& clean_entry(const Node& entry, Nodes& nodes) {
  const Node& clean = with_nulls(
      entry, nodes, [](const Node::Member& member) { return member.key != "auth" && is_empty(*member.value); });
  return with_changed(clean, "tls", nodes,
                      [&](const Node& tls) -> const Node& { return without_empty_values(tls, nodes); });
}

const Node& clean_registries(const Node& registries, Nodes& nodes) {
  if (registries.kind != Node::Kind::list) return registries;
  Node& result = nodes.changed.emplace_back(registries);
  for (const Node*& entry : result.items) entry = &clean_entry(*entry, nodes);
  return result;
}

const Node& clean_sealos(const Node& sealos, Nodes& nodes) {
  return with_nulls(sealos, nodes, [](const Node::Member& member) {
    return member.key == "auth" ? is_empty_auth(*member.value) : is_empty(*member.value);
  });
}

// The ConfigMap's root with null for all that means "not set".
const Node& clean_root(const Node& root, Nodes& nodes) {
  const Node* clean = &without_empty_values(root, nodes);
  clean = &with_changed(*clean, "sealos", nodes,
                        [&](const Node& value) -> const Node& { return clean_sealos(value, nodes); });
  clean = &with_changed(*clean, "registries", nodes,
                        [&](const Node& value) -> const Node& { return clean_registries(value, nodes); });
  return with_changed(*clean, "cache", nodes,
                      [&](const Node& value) -> const Node& { return without_empty_values(value, nodes); });
}

// NOLINTEND(bugprone-return-const-ref-from-parameter)

const Node::Member* find_member(const Node& block, std::string_view key) {
  const auto found = std::ranges::find(block.members, key, &Node::Member::key);
  return found == block.members.end() || found->value->kind == Node::Kind::null ? nullptr : &*found;
}

// The ConfigMap's author must not read the node: its files least of all.
void refuse_files_of_registry(const Node& registry, const std::string& path, Diagnostics& diagnostics) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 3> kFiles = {
      {{"auth", "passwordFile"}, {"tls", "cert"}, {"tls", "key"}}};
  for (const auto& [block, key] : kFiles) {
    const Node::Member* outer = find_member(registry, block);
    const Node::Member* inner = outer == nullptr ? nullptr : find_member(*outer->value, key);
    if (inner == nullptr || is_empty(*inner->value)) continue;
    diagnostics.error(inner->place(), fmt::format("{}.{}.{}", path, block, key),
                      "a ConfigMap must not name a file of the node; write it in the node's own file");
  }
}

void refuse_files(const Node& root, Diagnostics& diagnostics) {
  if (const Node::Member* sealos = find_member(root, "sealos")) {
    refuse_files_of_registry(*sealos->value, "sealos", diagnostics);
  }
  const Node::Member* registries = find_member(root, "registries");
  if (registries == nullptr) return;
  for (std::size_t i = 0; i < registries->value->items.size(); ++i) {
    refuse_files_of_registry(*registries->value->items[i], fmt::format("registries[{}]", i), diagnostics);
  }
}

void read_version(Block& top) {
  const std::optional<Text> version = top.text("version");
  if (version && version->value != "v1") {
    top.warning("version", fmt::format("is {}; the keys are read as those of v1", version->shown));
  }
}

void warn_of_misplaced_keys(Block& top, const Node& root) {
  for (const Node::Member& member : root.members) {
    if (member.key == "version") continue;  // of the ConfigMap's form, not the file's key of that name
    if (is_of_the_node_alone(member.key)) {
      if (top.has(member.key)) top.warning(member.key, "is a key of the node's own file only; ignored here");
    } else if (member.key == "address" || member.key == "auth") {
      if (top.has(member.key))
        top.warning(member.key, fmt::format("is ignored here; did you mean sealos.{}?", member.key));
    }
  }
}

// Every value by the reader that the file's would have.
void check(const Node& root, const Reading& reading) {
  Block top(root, "", reading);
  warn_of_misplaced_keys(top, root);
  read_version(top);
  Block sealos = top.block("sealos");
  read_address(sealos);
  read_auth(sealos);
  sealos.finish();
  read_priority(top, "offlinePriority");
  Config config;
  read_cluster_keys(top, config);
  top.finish();
  refuse_files(root, reading.diagnostics);
}

// Bytes of all keys and values, each as often as it is used.
std::size_t expanded_bytes(const Node& node, std::unordered_map<const Node*, std::size_t>& known) {
  if (const auto found = known.find(&node); found != known.end()) return found->second;
  std::size_t bytes = node.text.size();
  for (const Node* item : node.items) bytes += expanded_bytes(*item, known);
  for (const Node::Member& member : node.members) bytes += member.key.size() + expanded_bytes(*member.value, known);
  known.emplace(&node, bytes);
  return bytes;
}

// As in the file: the keys of `sealos` at the top level, of `cache` those that are set.
std::vector<Node::Member> members_of(const Node& root, Nodes& nodes) {
  std::vector<Node::Member> members;
  for (const std::string_view key : kKeys) {
    const Node::Member* from = find_member(root, key);
    if (key == "address" || key == "auth") {
      const Node::Member* sealos = find_member(root, "sealos");
      from = sealos == nullptr ? nullptr : find_member(*sealos->value, key);
    }
    if (from == nullptr) continue;
    Node::Member member = *from;
    if (key == "cache") {
      Node& cache = nodes.changed.emplace_back(*from->value);
      std::erase_if(cache.members, [](const Node::Member& m) { return m.value->kind == Node::Kind::null; });
      if (cache.members.empty()) continue;
      member.value = &cache;
    }
    members.push_back(std::move(member));
  }
  return members;
}

// Copies nodes that another text's lines do not fit; what aliases share stays shared.
class Copier {
 public:
  explicit Copier(std::deque<Node>& nodes) : nodes_(nodes) {}

  // With its lines.
  const Node& copy(const Node& node) { return copy(node, true); }
  const Node& copy_without_lines(const Node& node) { return copy(node, false); }

 private:
  const Node& copy(const Node& node, bool with_lines) {
    if (const auto found = copies_.find(&node); found != copies_.end()) return *found->second;
    Node& result = nodes_.emplace_back(node);
    if (!with_lines) result.line = 0;
    for (const Node*& item : result.items) item = &copy(*item, with_lines);
    for (Node::Member& member : result.members) {
      if (!with_lines) member.line = 0;
      member.value = &copy(*member.value, with_lines);
    }
    copies_.emplace(&node, &result);
    return result;
  }

  std::deque<Node>& nodes_;
  std::unordered_map<const Node*, const Node*> copies_;
};

// As DESIGN 6 reads a priority; text that is no number (a variable) as it is written.
std::string shown_priority(const Node* node, int if_unset) {
  std::string unset = fmt::format("{} (default)", if_unset);
  if (node == nullptr || node->kind != Node::Kind::scalar) return unset;
  long long number = 0;
  const char* end = node->text.data() + node->text.size();
  const auto [stopped, code] = std::from_chars(node->text.data(), end, number);
  if (code != std::errc() || stopped != end) return printable(node->text, 60);
  if (number == 0) return unset;
  return std::to_string(std::clamp<long long>(number, kLowestPriority, kHighestPriority));
}

}  // namespace

Overlay::Overlay(std::string origin, std::vector<Node::Member> members, std::shared_ptr<const void> nodes)
    : origin_(std::move(origin)), members_(std::move(members)), nodes_(std::move(nodes)) {}

std::optional<Overlay> Overlay::parse(std::string_view text, const Origin& origin, const Environment& environment,
                                      std::vector<Diagnostic>& diagnostics) {
  Diagnostics said(origin.name, origin.name);
  auto nodes = std::make_shared<Nodes>();
  const Node* root = nullptr;
  if (text.size() > kMostFileBytes) {
    said.error(0, "", fmt::format("larger than {} bytes", kMostFileBytes));
  } else {
    nodes->document = Document::parse(text, said, Source::config_map);
  }
  if (nodes->document) {
    root = &nodes->document->root();
    std::unordered_map<const Node*, std::size_t> known;
    if (root->kind != Node::Kind::block && !is_empty(*root)) {
      said.error(root->place(), "", fmt::format("expected keys and values, got {}", kind_name(root->kind)));
    } else if (expanded_bytes(*root, known) > kMostFileBytes) {
      said.error(0, "", fmt::format("larger than {} bytes once aliases are expanded", kMostFileBytes));
    } else {
      root = &clean_root(*root, *nodes);
      check(*root, Reading{environment, said, &origin.variables});
    }
  }
  const bool is_valid = said.error_count() == 0;
  for (Diagnostic& diagnostic : said.take()) diagnostics.push_back(std::move(diagnostic));
  if (!is_valid) return std::nullopt;
  std::vector<Node::Member> members = members_of(*root, *nodes);
  return Overlay(origin.name, std::move(members), std::move(nodes));
}

Overlay Overlay::over(const Overlay& older) const {
  auto nodes = std::make_shared<std::deque<Node>>();
  Copier copier(*nodes);
  const auto without_lines = [&](Node::Member member) {
    member.line = 0;
    member.value = &copier.copy_without_lines(*member.value);
    return member;
  };
  std::vector<Node::Member> members;
  for (const std::string_view key : kKeys) {
    const auto mine = std::ranges::find(members_, key, &Node::Member::key);
    const auto theirs = std::ranges::find(older.members_, key, &Node::Member::key);
    if (mine == members_.end()) {
      if (theirs != older.members_.end()) members.push_back(without_lines(*theirs));
      continue;
    }
    Node::Member member = *mine;
    member.value = &copier.copy(*mine->value);
    if (key == "cache" && theirs != older.members_.end()) {
      Node& cache = nodes->emplace_back(*member.value);
      for (const Node::Member& old : theirs->value->members) {
        if (std::ranges::find(cache.members, old.key, &Node::Member::key) != cache.members.end()) continue;
        cache.members.push_back(without_lines(old));
      }
      member.value = &cache;
    }
    members.push_back(std::move(member));
  }
  return {origin_.empty() ? older.origin_ : origin_, std::move(members), std::move(nodes)};
}

const Node* Overlay::find(std::string_view key) const {
  const auto found = std::ranges::find(members_, key, &Node::Member::key);
  return found == members_.end() ? nullptr : found->value;
}

bool operator==(const Overlay& left, const Overlay& right) {
  return std::ranges::equal(left.members_, right.members_, have_same_value);
}

std::vector<std::string> overlay_lines(const Overlay& overlay) {
  std::vector<std::string> lines;
  if (const Node* priority = overlay.find("offlinePriority")) {
    lines.push_back("configmap: synced offlinePriority=" + shown_priority(priority, kDefaultOfflinePriority));
  }
  const Node* registries = overlay.find("registries");
  if (registries == nullptr) return lines;
  for (const Node* entry : registries->items) {
    const Node::Member* address = find_member(*entry, "address");
    const Node::Member* priority = find_member(*entry, "priority");
    lines.push_back(fmt::format("configmap: syncing registry {} with priority={}",
                                address == nullptr ? "" : printable(address->value->text, 256),
                                shown_priority(priority == nullptr ? nullptr : priority->value, kDefaultPriority)));
  }
  lines.push_back(fmt::format("configmap: merged {} registries into config", registries->items.size()));
  return lines;
}

}  // namespace shim::config
