#include "registry/manifest.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/text.h"
#include "http/headers.h"

namespace shim::registry {
namespace {

using nlohmann::json;

constexpr std::array<std::string_view, 2> kManifests{
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
};
constexpr std::array<std::string_view, 2> kIndexes{
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
};
constexpr std::size_t kMaxPlatformsShown = 8;

std::string_view without_parameters(std::string_view content_type) {
  content_type = content_type.substr(0, content_type.find(';'));
  const auto last = content_type.find_last_not_of(" \t");
  return last == std::string_view::npos ? std::string_view() : content_type.substr(0, last + 1);
}

bool is_one_of(std::string_view content_type, const auto& known) {
  return std::ranges::any_of(
      known, [&](std::string_view each) { return http::equal_without_case(without_parameters(content_type), each); });
}

// Keeps `manifests[].platform` and nothing else, so that a hostile index of 4 MiB does not become a tree of 100.
bool is_wanted(int depth, json::parse_event_t event, const json& parsed) {
  if (event != json::parse_event_t::key) return depth <= 4;
  if (depth == 1) return parsed == "manifests";
  return depth != 3 || parsed == "platform";
}

std::string text_of(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::unexpected<UnusableIndex> unusable(const char* why) {
  return std::unexpected(UnusableIndex{{why}});
}

}  // namespace

std::string manifest_media_types() {
  std::string list;
  for (const auto& known : {kManifests, kIndexes}) {
    for (const std::string_view each : known) list.append(list.empty() ? "" : ", ").append(each);
  }
  return list;
}

bool is_index(std::string_view content_type) {
  return is_one_of(content_type, kIndexes);
}
bool is_manifest(std::string_view content_type) {
  return is_one_of(content_type, kManifests) || is_index(content_type);
}
bool is_html(std::string_view content_type) {
  return is_one_of(content_type, std::array<std::string_view, 2>{"text/html", "application/xhtml+xml"});
}

bool is_digest(std::string_view text) {
  const auto colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0) return false;
  const std::string_view hex = text.substr(colon + 1);
  auto is_hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  return hex.size() >= 32 && hex.size() <= 256 && std::ranges::all_of(hex, is_hex);
}

std::expected<void, UnusableIndex> check_index(std::string_view body, const Platform& node) {
  const json index = json::parse(body, &is_wanted, /*allow_exceptions=*/false);
  if (!index.is_object() || !index.contains("manifests") || !index["manifests"].is_array()) {
    return unusable("its image index is not readable");
  }
  std::vector<std::string> others;
  for (const json& image : index["manifests"]) {
    if (!image.is_object()) continue;
    const auto found = image.find("platform");
    if (found == image.end() || !found->is_object()) return {};
    const Platform platform{text_of(*found, "os"), text_of(*found, "architecture"), text_of(*found, "variant")};
    if (can_run(node, platform)) return {};
    if (platform.os != "unknown") others.push_back(platform.text());  // attestations are unknown/unknown
  }
  if (others.empty()) return unusable("its image index is empty");
  std::string list;
  for (std::size_t i = 0; i < std::min(others.size(), kMaxPlatformsShown); ++i) list += (i ? ", " : "") + others[i];
  if (others.size() > kMaxPlatformsShown) list += ", …";
  return std::unexpected(UnusableIndex{{"no image for " + node.text() + ", only for " + printable(list, 256)},
                                       /*is_other_platform=*/true});
}

}  // namespace shim::registry
