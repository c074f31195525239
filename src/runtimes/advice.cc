#include "runtimes/advice.h"

#include <fmt/format.h>

#include "runtimes/containerd_advice.h"
#include "runtimes/other_advice.h"

namespace shim::runtimes {

bool needs_settings(const Registry& registry) {
  if (!registry.address.is_secure()) return !registry.address.is_loopback();
  const http::TlsOptions& tls = registry.tls;
  return !tls.ca.empty() || !tls.cert.empty() || tls.insecure_skip_verify;
}

Advice advise(const RuntimeSettings& settings, const Registry& registry) {
  switch (settings.kind) {
    case Kind::containerd:
      return advise_containerd(settings, registry);
    case Kind::cri_o:
      return advise_cri_o(registry, {});
    case Kind::docker:
      return advise_docker(registry, {});
    case Kind::other:
      break;
  }
  if (!needs_settings(registry)) return {};
  return {Advice::Kind::unsure, "whether the runtime speaks to it in the same way cannot be seen",
          "look at the runtime's own settings for this registry: its scheme, its authority, its client certificate"};
}

std::string sandbox_image_setting(const RuntimeSettings& settings, std::string_view image) {
  switch (settings.kind) {
    case Kind::containerd:
      return containerd_sandbox_setting(settings, image);
    case Kind::cri_o:
      return fmt::format(
          "write /etc/crio/crio.conf.d/50-pause-image.conf:\n  [crio.image]\n  pause_image = \"{}\"\n"
          "then: systemctl restart crio",
          image);
    case Kind::docker:
      return fmt::format("start cri-dockerd with --pod-infra-container-image={}", image);
    case Kind::other:
      break;
  }
  return fmt::format("set the runtime's sandbox image to {}", image);
}

}  // namespace shim::runtimes
