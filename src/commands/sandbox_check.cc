#include "commands/sandbox_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "image/reference.h"
#include "runtimes/advice.h"

namespace shim::commands {
namespace {

using Mark = Finding::Mark;

constexpr std::string_view kExampleImage = "registry.local/pause:3.9";

std::string import_command(const runtimes::RuntimeSettings& settings, std::string_view image) {
  switch (settings.kind) {
    case runtimes::Kind::cri_o:
      return fmt::format("skopeo copy docker-archive:pause.tar containers-storage:{}", image);
    case runtimes::Kind::docker:
      return fmt::format("docker load -i pause.tar   # which holds {}", image);
    case runtimes::Kind::containerd:
    case runtimes::Kind::other:
      break;
  }
  return fmt::format("ctr -n k8s.io images import pause.tar   # which holds {}", image);
}

const config::Registry* registry_of(const config::Config& config, const std::string& name) {
  const auto reference = image::Reference::parse(name);
  if (!reference) return nullptr;
  const auto is_its_host = [&](const config::Registry& registry) {
    return registry.address.host() == reference->host();
  };
  const auto found = std::ranges::find_if(config.registries, is_its_host);
  if (found != config.registries.end()) return &*found;
  return config.offline && is_its_host(*config.offline) ? &*config.offline : nullptr;
}

std::string two_ways_out(const runtimes::RuntimeSettings& settings, const SandboxImage& image) {
  const std::string import = import_command(settings, image.name);
  if (image.copy.empty()) {
    return fmt::format("bring it onto the node: {}\nor push it to a configured registry, and {}", import,
                       runtimes::sandbox_image_setting(settings, kExampleImage));
  }
  const std::string setting = runtimes::sandbox_image_setting(settings, image.copy);
  if (image.copy_is_private) {
    return fmt::format(
        "bring it onto the node: {}\nor, where the runtime has credentials of its own for that registry, {}", import,
        setting);
  }
  return fmt::format("{}\nor bring it onto the node: {}", setting, import);
}

bool has_registries(const config::Config& config) {
  return config.offline || !config.registries.empty();
}

}  // namespace

Finding judge_sandbox_image(const config::Config& config, const runtimes::RuntimeSettings& settings,
                            const SandboxImage& image) {
  Finding finding{.subject = "sandbox image " + image.name, .what = "it is on the node"};
  if (!image.is_present) {
    finding.mark = Mark::warning;
    finding.what = fmt::format("whether it is on the node cannot be told: {}", image.is_present.error().message);
    return finding;
  }
  if (*image.is_present) return finding;
  const std::string_view runtime = runtimes::name_of(settings.kind);
  const config::Registry* own = registry_of(config, image.name);
  if (own != nullptr && !own->auth) {
    finding.what = fmt::format("not on the node yet; {} pulls it by itself from {}", runtime, own->address.text());
    return finding;
  }
  if (own == nullptr && (config.fallback == config::Fallback::upstream && !has_registries(config))) {
    finding.what = fmt::format("not on the node yet; {} pulls it by itself", runtime);
    return finding;
  }
  finding.mark = Mark::warning;
  finding.what = own != nullptr
                     ? fmt::format(
                           "not on the node, and {} pulls it by itself, without the credentials configured here "
                           "for {}",
                           runtime, own->address.text())
                     : fmt::format(
                           "not on the node, and {} pulls it by itself and past the shim: no configured "
                           "registry is asked for it, and without it no pod starts",
                           runtime);
  finding.hint = two_ways_out(settings, image);
  return finding;
}

Finding judge_unknown_sandbox_image(const runtimes::RuntimeSettings& settings) {
  return {
      .mark = Mark::warning,
      .subject = "sandbox image",
      .what = fmt::format("{} does not tell which one it uses; it pulls it by itself and past the shim, and without "
                          "it no pod starts",
                          runtimes::name_of(settings.kind)),
      .hint = fmt::format("see that it is on the node (crictl images), or {}",
                          runtimes::sandbox_image_setting(settings, kExampleImage))};
}

}  // namespace shim::commands
