// The address of a registry as an operator writes it: `http://sealos.hub:5000`, `https://harbor.local/proxy`,
// `docker.io`, `[fd00::1]:5000`.
//
// No scheme means https, except on loopback hosts (localhost, 127.0.0.0/8, ::1), where it means http. A path is kept
// as a prefix of every repository below it. Docker Hub's aliases (`index.docker.io`, `registry-1.docker.io`,
// `hub.docker.com` is not one) are one host, `docker.io`, whose API is served by registry-1.docker.io.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace shim::image {

class Address {
 public:
  // Errors: the part of `text` that is not an address and what was expected. User info, query, fragment are errors;
  // the one for user info does not show `text`, which may hold a password.
  static Expected<Address> parse(std::string_view text);

  // As the operator wrote it.
  const std::string& text() const { return text_; }
  // True for https.
  bool is_secure() const { return is_secure_; }
  // `host[:port]` as it stands in image names, normalised as a Reference's (`docker.io`; a written default port is
  // kept). A host that an image name would take for a path gets the default port: `http://registry` is `registry:80`.
  const std::string& host() const { return host_; }
  // The host without its port, for log lines: `sealos.hub`; Docker Hub is `index.docker.io` (as users grep for it).
  std::string domain() const;
  // Path prefix without slashes at its ends: `proxy`, or empty. The Hub's API root (`https://index.docker.io/v1/`, as
  // docker's config.json spells it) is no prefix.
  const std::string& prefix() const { return prefix_; }
  // `scheme://host[:port]` that the registry API is asked at: `https://registry-1.docker.io` for the Hub.
  std::string api_url() const;
  bool is_loopback() const;

  // Same scheme, host and prefix.
  friend bool operator==(const Address& a, const Address& b) {
    return a.is_secure_ == b.is_secure_ && a.host_ == b.host_ && a.prefix_ == b.prefix_;
  }

 private:
  Address() = default;

  std::string text_;
  std::string host_;
  std::string prefix_;
  bool is_secure_ = true;
};

// True for registries that serve the public internet under their own names (docker.io, ghcr.io, quay.io, gcr.io,
// *.gcr.io, registry.k8s.io, k8s.gcr.io, public.ecr.aws, mcr.microsoft.com, mirror.gcr.io …): `host` without port.
// Against dependency confusion an entry for one of them serves only the images that are its own (mirror.gcr.io:
// docker.io's), unless its `match` says otherwise.
bool is_public_registry(std::string_view host);
// The host whose images the public registry `host` serves by default: itself; docker.io for mirror.gcr.io.
std::string_view origin_of_public_registry(std::string_view host);

}  // namespace shim::image
