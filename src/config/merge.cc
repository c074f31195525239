#include "config/merge.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace shim::config {

namespace {

bool may_hold_keys(const Node& node) {
  return node.kind == Node::Kind::block || node.kind == Node::Kind::null;
}

// The members of `over` in the place of those of `block` that have the same key, the others behind them.
const Node& with_members(const Node& block, const std::vector<Node::Member>& over, std::deque<Node>& nodes) {
  Node& result = nodes.emplace_back(block);
  result.kind = Node::Kind::block;
  for (const Node::Member& member : over) {
    const auto found = std::ranges::find(result.members, member.key, &Node::Member::key);
    if (found == result.members.end()) {
      result.members.push_back(member);
    } else {
      *found = member;
    }
  }
  return result;
}

}  // namespace

const Node& merge(const Node& root, const Overlay& overlay, std::deque<Node>& nodes) {
  if (!may_hold_keys(root) || overlay.empty()) return root;
  std::vector<Node::Member> over = overlay.members();
  const auto cache = std::ranges::find(over, "cache", &Node::Member::key);
  const auto local = std::ranges::find(root.members, "cache", &Node::Member::key);
  if (cache != over.end() && local != root.members.end()) {
    if (may_hold_keys(*local->value)) {
      const Node& merged = with_members(*local->value, cache->value->members, nodes);
      *cache = *local;
      cache->value = &merged;
    } else {
      over.erase(cache);
    }
  }
  return with_members(root, over, nodes);
}

}  // namespace shim::config
