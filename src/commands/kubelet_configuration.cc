#include "commands/kubelet_configuration.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "config/block_edit.h"
#include "config/document.h"
#include "config/layout.h"
#include "config/scan.h"

namespace shim::commands {
namespace {

using config::Document;
using config::Node;
using nlohmann::ordered_json;

constexpr std::string_view kKey = "imageServiceEndpoint";
constexpr int kIndent = 2;

const Node* find(const Node& block, std::string_view key) {
  const auto found = std::ranges::find(block.members, key, &Node::Member::key);
  return found == block.members.end() ? nullptr : found->value;
}

std::string text_of(const Node& block, std::string_view key) {
  const Node* node = find(block, key);
  return node != nullptr && node->kind == Node::Kind::scalar ? node->text : "";
}

Expected<Document> parsed(std::string_view text) {
  config::Diagnostics diagnostics("");
  auto document = Document::parse_json_or_yaml(text, diagnostics);
  if (!document) return fail("it is not valid YAML: " + diagnostics.take().front().message);
  const Node& root = document->root();
  if (root.kind != Node::Kind::block || text_of(root, "kind") != "KubeletConfiguration") {
    return fail("it is no KubeletConfiguration");
  }
  return std::move(*document);
}

std::unexpected<Error> impossible(std::string_view why, const std::string& endpoint) {
  const std::string by_hand =
      endpoint.empty() ? fmt::format("remove {} there by hand", kKey) : fmt::format("write {}: {}", kKey, endpoint);
  return fail(fmt::format("it cannot be edited safely ({}): {}, and restart the kubelet", why, by_hand));
}

// Behind a line break, or at the beginning of the text.
std::string without_lines(std::string_view text, std::size_t begin, std::size_t end) {
  std::string result(text.substr(0, begin));
  result += text.substr(end);
  // The last line stays one without a break.
  if (end == text.size() && !text.ends_with('\n') && result.ends_with('\n')) {
    result.pop_back();
    if (result.ends_with('\r')) result.pop_back();
  }
  return result;
}

Expected<std::string> edited_yaml(std::string_view text, const std::string& endpoint) {
  const auto layout = config::Layout::of(text);
  if (!layout) return impossible(layout.error().message, endpoint);
  const config::Layout::Entry* entry = layout->find(kKey);
  if (endpoint.empty()) {
    if (entry == nullptr) return std::string(text);
    const std::size_t last = std::max(entry->colon_end, entry->value_end);
    return without_lines(text, config::line_begin(text, entry->begin), config::next_line(text, last));
  }
  Node value;
  value.kind = Node::Kind::scalar;
  value.text = endpoint;
  config::BlockEdit edit(text, *layout);
  if (entry == nullptr) {
    edit.add(kKey, value);
  } else if (auto replaced = edit.replace(*entry, value); !replaced) {
    return impossible(replaced.error().message, endpoint);
  }
  auto result = edit.apply();
  if (!result) return impossible(result.error().message, endpoint);
  return result;
}

Expected<std::string> edited_json(std::string_view text, const std::string& endpoint) {
  ordered_json document = ordered_json::parse(text, nullptr, false);
  if (!document.is_object()) return impossible("it is YAML in flow style", endpoint);
  if (endpoint.empty()) {
    document.erase(std::string(kKey));
  } else {
    document[std::string(kKey)] = endpoint;
  }
  return document.dump(kIndent) + (text.ends_with('\n') ? "\n" : "");
}

// Whether `after` says what `before` says, and `endpoint`.
bool is_as_wanted(const Node& before, const Node& after, const std::string& endpoint) {
  const auto others_of = [](const Node& root) {
    Node others = root;
    std::erase_if(others.members, [](const Node::Member& member) { return member.key == kKey; });
    return others;
  };
  return text_of(after, kKey) == endpoint && hold_the_same(others_of(before), others_of(after));
}

}  // namespace

Expected<KubeletSettings> read_kubelet_settings(std::string_view text) {
  const auto document = parsed(text);
  if (!document) return std::unexpected(document.error());
  const Node& root = document->root();
  KubeletSettings settings{.image_endpoint = text_of(root, kKey),
                           .runtime_endpoint = text_of(root, "containerRuntimeEndpoint"),
                           .healthz_port = {},
                           .healthz_address = text_of(root, "healthzBindAddress")};
  const std::string port = text_of(root, "healthzPort");
  int number = 0;
  if (std::from_chars(port.data(), port.data() + port.size(), number).ec == std::errc()) settings.healthz_port = number;
  return settings;
}

Expected<std::string> with_image_endpoint(std::string_view text, const std::string& endpoint) {
  const auto before = parsed(text);
  if (!before) return std::unexpected(before.error());
  if (text_of(before->root(), kKey) == endpoint && (!endpoint.empty() || find(before->root(), kKey) == nullptr)) {
    return std::string(text);
  }
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  auto result = text[first] == '{' ? edited_json(text, endpoint) : edited_yaml(text, endpoint);
  if (!result) return result;
  const auto after = parsed(*result);
  if (!after || !is_as_wanted(before->root(), after->root(), endpoint)) {
    return impossible("it is written in an unusual way", endpoint);
  }
  return result;
}

}  // namespace shim::commands
