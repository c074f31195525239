#include "cri/restore.h"

#include <algorithm>
#include <vector>

#include "cri/image_calls.pb.h"

namespace shim::cri {
namespace {

using Names = google::protobuf::RepeatedPtrField<std::string>;

// The names in `listed` that users know under others, and those others, in order and without repetition.
std::vector<std::string> original_names(const Names& listed, const NameStore& store, bool with_digest) {
  std::vector<std::string> result;
  const auto add = [&](std::string name) {
    const bool is_new =
        std::ranges::find(listed, name) == listed.end() && std::ranges::find(result, name) == result.end();
    if (is_new) result.push_back(std::move(name));
  };
  for (const std::string& name : listed) {
    for (const image::Reference* reference : store.originals(name)) {
      if (reference->digest().empty() == with_digest) continue;
      add(shown_name(*reference));
      add(reference->canonical());
    }
  }
  return result;
}

bool put_first(Names& listed, const std::vector<std::string>& originals) {
  if (originals.empty()) return false;
  Names all;
  for (const std::string& name : originals) *all.Add() = name;
  for (std::string& name : listed) *all.Add() = std::move(name);
  listed.Swap(&all);
  return true;
}

bool restore(wire::Image& image, const NameStore& names) {
  const bool has_tags = put_first(*image.mutable_repo_tags(), original_names(image.repo_tags(), names, false));
  const bool has_digests = put_first(*image.mutable_repo_digests(), original_names(image.repo_digests(), names, true));
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
