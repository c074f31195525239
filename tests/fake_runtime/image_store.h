// The images of a runtime, with containerd's rules: an image is its ID, names are normalised references to it, and a
// second pull of the same image under another name adds that name.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fake_runtime/cri.pb.h"

namespace fake_runtime {

// `nginx` → `docker.io/library/nginx:latest`, as containerd stores it; a name with a digest keeps no tag.
std::string Normalised(std::string_view name);

class ImageStore {
 public:
  void Replace(std::vector<cri::Image> images) { images_ = std::move(images); }

  // Makes `name` a name of the image with this ID and manifest digest, taking it from any other image.
  void Add(std::string_view name, std::string_view id, std::string_view digest);

  // By ID (with or without `sha256:`, or an unambiguous beginning of it), tag or digest.
  std::optional<cri::Image> Find(std::string_view name_or_id) const;

  // All of them, or those that an own name of theirs finds.
  std::vector<cri::Image> List(std::string_view name_or_id) const;

  // Removes the image with all its names; one that is not there is no error.
  void Remove(std::string_view name_or_id);

 private:
  std::vector<cri::Image> images_;
};

}  // namespace fake_runtime
