#include "image/reference.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.h"
#include "image/grammar.h"

namespace shim::image {
namespace {

// Host, path, tag and digest at their longest are below it; what is longer is not looked at.
constexpr std::size_t kMaxReference = 4096;

std::unexpected<Error> invalid(std::string_view text, std::string_view rule) {
  return fail(fmt::format("invalid image name {}: {}", in_quotes(text), rule));
}

bool is_all_hex(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789abcdefABCDEF") == text.npos;
}

// Takes what follows the first `separator` off `text`; null data() where there is none (an empty part is an error).
std::string_view take_after(std::string_view& text, char separator) {
  const std::size_t at = text.find(separator);
  if (at == text.npos) return {};
  const std::string_view part = text.substr(at + 1);
  text = text.substr(0, at);
  return part.data() == nullptr ? std::string_view("") : part;
}

}  // namespace

Expected<Reference> Reference::parse(std::string_view text) {
  if (text.empty()) return invalid(text, "it is empty");
  if (text.size() > kMaxReference) return invalid(text, fmt::format("it is longer than {} bytes", kMaxReference));
  if (is_image_id(text)) return invalid(text, "it is an image ID, not a name");

  Reference reference;
  reference.original_ = text;
  std::string_view rest = text;
  const std::string_view digest = take_after(rest, '@');
  const std::size_t slash = rest.find('/');
  std::string_view host = kDockerHub;
  if (slash != rest.npos && is_host_component(rest.substr(0, slash))) {
    host = rest.substr(0, slash);
    rest.remove_prefix(slash + 1);
  }
  const std::string_view tag = take_after(rest, ':');

  if (auto checked = check_host(host); !checked) return invalid(text, checked.error().message);
  reference.host_ = normal_host(host);
  const bool is_official = reference.host_ == kDockerHub && rest.find('/') == rest.npos && !rest.empty();
  reference.path_ = std::string(is_official ? kOfficialNamespace : "") + std::string(rest);
  if (auto checked = check_path(reference.path_); !checked) return invalid(text, checked.error().message);
  if (tag.data() != nullptr) {
    if (auto checked = check_tag(tag); !checked) return invalid(text, checked.error().message);
  }
  if (digest.data() != nullptr) {
    if (auto checked = check_digest(digest); !checked) return invalid(text, checked.error().message);
  }
  reference.tag_was_written_ = !tag.empty();
  reference.tag_ = tag.empty() && digest.empty() ? "latest" : tag;
  reference.digest_ = digest;
  return reference;
}

std::string Reference::canonical() const {
  return repository() + suffix();
}

std::string Reference::suffix() const {
  std::string out;
  if (!tag_.empty()) out += ":" + tag_;
  if (!digest_.empty()) out += "@" + digest_;
  return out;
}

bool is_image_id(std::string_view text) {
  constexpr std::array<std::string_view, 4> kRuntimeSchemes{"docker://", "docker-pullable://", "containerd://",
                                                            "cri-o://"};
  constexpr std::size_t kSha256Hex = 64;
  const auto begins_text = [&](std::string_view scheme) { return text.starts_with(scheme); };
  if (std::ranges::any_of(kRuntimeSchemes, begins_text)) return true;
  if (text.starts_with("sha256:")) return is_all_hex(text.substr(7));
  return text.size() == kSha256Hex && is_all_hex(text);
}

}  // namespace shim::image
