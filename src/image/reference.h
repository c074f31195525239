// An image reference, parsed once at the edge into a type that cannot be wrong.
//
// The grammar is the distribution project's; the normal form is Docker's: `nginx` is `docker.io/library/nginx:latest`,
// and `index.docker.io` and `registry-1.docker.io` are `docker.io`. Both spellings are kept: what the user wrote and
// the canonical form. Pure: no I/O, no state. Immutable after construction; safe to copy and to share.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace shim::image {

class Reference {
 public:
  // Errors: the rule that `text` breaks and where. An image ID is not a reference (see is_image_id).
  static Expected<Reference> parse(std::string_view text);

  // As the user wrote it.
  const std::string& original() const { return original_; }
  // `host[:port]`, normalised: `docker.io`, `sealos.hub:5000`, `[::1]:5000`; lower case, as host names compare without
  // case (`GHCR.io` must not slip past a rule for `ghcr.io`), unless only its capitals make it a host (`UPPER/app`).
  const std::string& host() const { return host_; }
  // Path below the host: `library/nginx`.
  const std::string& path() const { return path_; }
  // The tag; `latest` where neither a tag nor a digest was written; empty where only a digest was written.
  const std::string& tag() const { return tag_; }
  // `sha256:…`, or empty.
  const std::string& digest() const { return digest_; }
  // True where the user wrote a tag (so `latest` above was not supplied by us).
  bool tag_was_written() const { return tag_was_written_; }

  // `host/path`, without tag and digest.
  std::string repository() const { return host_ + "/" + path_; }
  // `host/path[:tag][@digest]`.
  std::string canonical() const;
  // `[:tag][@digest]`: what follows the repository in canonical().
  std::string suffix() const;

  friend bool operator==(const Reference& a, const Reference& b) {
    return a.host_ == b.host_ && a.path_ == b.path_ && a.tag_ == b.tag_ && a.digest_ == b.digest_;
  }

 private:
  Reference() = default;

  std::string original_;
  std::string host_;
  std::string path_;
  std::string tag_;
  std::string digest_;
  bool tag_was_written_ = false;
};

// True for what names an image by its content in a runtime's store, which no registry can be asked for:
// `sha256:<hex>`, 64 hex digits alone, and the schemes of container statuses (`docker://`, `docker-pullable://`,
// `containerd://`, `cri-o://`).
bool is_image_id(std::string_view text);

}  // namespace shim::image
