#include "kubernetes/kubeconfig_part.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <ranges>
#include <utility>

#include "base/base64.h"
#include "base/text.h"

namespace shim::kubernetes {
namespace {

using config::Node;

bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
}

}  // namespace

KubeconfigPart::KubeconfigPart(const Node& node, std::string path, config::Diagnostics& diagnostics)
    : node_(node), path_(std::move(path)), diagnostics_(diagnostics) {
  if (node.kind == Node::Kind::block || node.kind == Node::Kind::null) return;
  error("", fmt::format("expected a block of keys, got {}", kind_name(node.kind)));
}

const Node* KubeconfigPart::find(std::string_view key) const {
  for (const Node::Member& member : node_.members | std::views::reverse) {
    if (member.key == key) return member.value->kind == Node::Kind::null ? nullptr : member.value;
  }
  return nullptr;
}

bool KubeconfigPart::has(std::string_view key) const {
  const Node* found = find(key);
  return found != nullptr && (found->kind != Node::Kind::scalar || !found->text.empty());
}

std::string KubeconfigPart::any_text(std::string_view key) const {
  const Node* found = find(key);
  if (found == nullptr) return {};
  if (found->kind == Node::Kind::scalar) return found->text;
  error(key, fmt::format("expected text, got {}", kind_name(found->kind)));
  return {};
}

std::string KubeconfigPart::text(std::string_view key) const {
  std::string text = any_text(key);
  if (std::ranges::none_of(text, is_control)) return text;
  error(key, "a control character or line break is not allowed");
  return {};
}

Secret KubeconfigPart::secret(std::string_view key) const {
  return Secret(text(key));
}

Secret KubeconfigPart::bytes(std::string_view key) const {
  const Secret encoded(any_text(key));
  auto decoded = decode_base64(encoded.reveal());
  if (!decoded) error(key, "is not base64");
  return decoded.value_or(Secret());
}

bool KubeconfigPart::flag(std::string_view key) const {
  constexpr std::array<std::string_view, 5> kTrue = {"true", "True", "TRUE", "yes", "on"};
  constexpr std::array<std::string_view, 5> kFalse = {"false", "False", "FALSE", "no", "off"};
  const std::string written = text(key);
  if (std::ranges::find(kTrue, written) != kTrue.end()) return true;
  const bool is_false = written.empty() || std::ranges::find(kFalse, written) != kFalse.end();
  if (!is_false) error(key, "expected true or false");
  return false;
}

std::vector<std::string> KubeconfigPart::texts(std::string_view key) const {
  const Node* found = find(key);
  if (found == nullptr) return {};
  if (found->kind != Node::Kind::list) {
    error(key, fmt::format("expected a list, got {}", kind_name(found->kind)));
    return {};
  }
  std::vector<std::string> texts;
  for (const Node* item : found->items) {
    if (item->kind == Node::Kind::scalar || item->kind == Node::Kind::null) {
      texts.push_back(item->text);
    } else {
      error(fmt::format("{}[{}]", key, texts.size()), fmt::format("expected text, got {}", kind_name(item->kind)));
    }
  }
  return texts;
}

std::vector<KubeconfigPart> KubeconfigPart::parts(std::string_view key) const {
  const Node* found = find(key);
  if (found == nullptr) return {};
  if (found->kind != Node::Kind::list) {
    error(key, fmt::format("expected a list, got {}", kind_name(found->kind)));
    return {};
  }
  std::vector<KubeconfigPart> parts;
  for (const Node* item : found->items) {
    parts.emplace_back(*item, path_of(fmt::format("{}[{}]", key, parts.size())), diagnostics_);
  }
  return parts;
}

KubeconfigPart KubeconfigPart::part(std::string_view key) const {
  static const Node nothing;
  const Node* found = find(key);
  return {found == nullptr ? nothing : *found, path_of(key), diagnostics_};
}

std::vector<std::string_view> KubeconfigPart::keys() const {
  std::vector<std::string_view> keys;
  for (const Node::Member& member : node_.members) {
    if (std::ranges::find(keys, member.key) == keys.end()) keys.push_back(member.key);
  }
  return keys;
}

void KubeconfigPart::error(std::string_view key, std::string message) const {
  const Node* found = key.empty() ? nullptr : find(key);
  diagnostics_.error(found != nullptr ? found->line : node_.line, path_of(key), std::move(message));
}

std::string KubeconfigPart::path_of(std::string_view key) const {
  if (path_.empty() || key.empty()) return path_ + printable(key, 64);
  return fmt::format("{}.{}", path_, printable(key, 64));
}

}  // namespace shim::kubernetes
