#include "image_store.h"

#include <algorithm>

namespace fake_runtime {
namespace {

constexpr std::string_view kSha256 = "sha256:";

bool IsHex(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

template <typename Names>
bool Contains(const Names& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

template <typename Names>
void Erase(Names& names, std::string_view name) {
  names.erase(std::remove(names.begin(), names.end(), name), names.end());
}

bool HasId(const cri::Image& image, std::string_view wanted) {
  if (wanted.starts_with(kSha256)) return image.id().starts_with(wanted);
  return IsHex(wanted) && std::string_view(image.id()).substr(kSha256.size()).starts_with(wanted);
}

}  // namespace

std::string Normalised(std::string_view name) {
  const auto slash = name.find('/');
  const auto host = name.substr(0, slash == std::string_view::npos ? 0 : slash);
  const bool has_host = host.find_first_of(".:") != std::string_view::npos || host == "localhost";
  std::string full(name);
  if (!has_host) full = (slash == std::string_view::npos ? "docker.io/library/" : "docker.io/") + full;

  const auto digest = full.find('@');
  const auto path = full.find_last_of('/', digest);
  const auto tag = full.find(':', path);
  if (digest == std::string::npos) return tag == std::string::npos ? full + ":latest" : full;
  return tag < digest ? full.substr(0, tag) + full.substr(digest) : full;
}

void ImageStore::Add(std::string_view name, std::string_view id, std::string_view digest) {
  const std::string full = Normalised(name);
  const auto at = full.find('@');
  const std::string repository = full.substr(0, at != std::string::npos ? at : full.find_last_of(':'));
  const std::string digest_name = repository + "@" + std::string(digest);

  for (auto& image : images_) {
    Erase(*image.mutable_repo_tags(), full);
    Erase(*image.mutable_repo_digests(), digest_name);
  }
  auto image = std::find_if(images_.begin(), images_.end(), [&](const cri::Image& each) { return each.id() == id; });
  if (image == images_.end()) {
    image = images_.emplace(images_.end());
    image->set_id(std::string(id));
    image->set_size(4096);
  }
  if (at == std::string::npos) image->add_repo_tags(full);
  image->add_repo_digests(digest_name);
}

std::optional<cri::Image> ImageStore::Find(std::string_view name_or_id) const {
  auto found = List(name_or_id);
  if (name_or_id.empty() || found.size() != 1) return std::nullopt;
  return found.front();
}

std::vector<cri::Image> ImageStore::List(std::string_view name_or_id) const {
  if (name_or_id.empty()) return images_;
  const std::string name = Normalised(name_or_id);
  std::vector<cri::Image> found;
  for (const auto& image : images_) {
    if (HasId(image, name_or_id) || Contains(image.repo_tags(), name) || Contains(image.repo_digests(), name)) {
      found.push_back(image);
    }
  }
  return found;
}

void ImageStore::Remove(std::string_view name_or_id) {
  if (const auto image = Find(name_or_id)) {
    std::erase_if(images_, [&](const cri::Image& each) { return each.id() == image->id(); });
  }
}

}  // namespace fake_runtime
