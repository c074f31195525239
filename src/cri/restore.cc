#include "cri/restore.h"

#include <algorithm>
#include <iterator>
#include <vector>

#include "cri/image_calls.pb.h"

namespace shim::cri {
namespace {

using Names = google::protobuf::RepeatedPtrField<std::string>;

using References = std::vector<const image::Reference*>;

// What users call an image that the runtime lists so.
References originals(const wire::Image& image, const NameStore& store) {
  References references;
  const auto add = [&](const Names& listed) {
    for (const std::string& name : listed) std::ranges::copy(store.originals(name), std::back_inserter(references));
  };
  add(image.repo_tags());
  add(image.repo_digests());
  return references;
}

// Those with a digest, or those without, that are not in the list yet, before the others.
bool put_first(Names& listed, const References& references, bool with_digest) {
  std::vector<std::string> names;
  const auto add = [&](std::string name) {
    const bool is_new =
        std::ranges::find(listed, name) == listed.end() && std::ranges::find(names, name) == names.end();
    if (is_new) names.push_back(std::move(name));
  };
  for (const image::Reference* reference : references) {
    if (reference->digest().empty() == with_digest) continue;
    add(shown_name(*reference));
    add(reference->canonical());
  }
  if (names.empty()) return false;
  Names all;
  for (std::string& name : names) *all.Add() = std::move(name);
  for (std::string& name : listed) *all.Add() = std::move(name);
  listed.Swap(&all);
  return true;
}

// A digest is shown only where the reference had one, even where the image was pulled by its tag (`digestFallback`).
bool restore(wire::Image& image, const NameStore& names) {
  const References references = originals(image, names);
  const bool has_tags = put_first(*image.mutable_repo_tags(), references, false);
  const bool has_digests = put_first(*image.mutable_repo_digests(), references, true);
  return has_tags || has_digests;
}

template <class Message>
std::optional<std::string> serialised(const Message& message, std::size_t max_message) {
  if (message.ByteSizeLong() > max_message) return std::nullopt;
  return message.SerializeAsString();
}

}  // namespace

std::string shown_name(const image::Reference& reference) {
  const bool is_bare = !reference.tag_was_written() && reference.digest().empty();
  return is_bare ? reference.original() + ":latest" : reference.original();
}

std::optional<std::string> restore_image_status(const std::string& response, const NameStore& names,
                                                std::size_t max_message) {
  if (names.empty()) return std::nullopt;
  wire::ImageStatusResponse status;
  if (!status.ParseFromString(response) || !status.has_image()) return std::nullopt;
  if (!restore(*status.mutable_image(), names)) return std::nullopt;
  return serialised(status, max_message);
}

std::optional<std::string> restore_image_list(const std::string& response, const NameStore& names,
                                              std::size_t max_message) {
  if (names.empty()) return std::nullopt;
  wire::ListImagesResponse list;
  if (!list.ParseFromString(response)) return std::nullopt;
  bool has_restored = false;
  for (wire::Image& image : *list.mutable_images()) has_restored = restore(image, names) || has_restored;
  if (!has_restored) return std::nullopt;
  return serialised(list, max_message);
}

}  // namespace shim::cri
