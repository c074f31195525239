// For tests of overlays: a ConfigMap's text as an overlay, with variables of the test's own.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "config/overlay.h"
#include "config/testing.h"

namespace shim::config::testing {

inline const Environment& overlay_environment() {
  static const Environment environment = environment_of(
      {{"SEALOS_PASSWORD", "s3cret"}, {"DOCKER_USERNAME", "docker"}, {"HOME", "/root"}, {"REGISTRY_EMPTY", ""}});
  return environment;
}

struct ParsedOverlay {
  std::optional<Overlay> overlay;
  std::vector<std::string> errors;
  std::vector<std::string> warnings;
};

inline ParsedOverlay parse_overlay(std::string_view text) {
  const Overlay::Origin origin = {"ConfigMap kube-system/image-cri-shim",
                                  {"SEALOS_*", "DOCKER_*", "REGISTRY_*", "IMAGE_CRI_SHIM_*"}};
  ParseResult said;
  ParsedOverlay parsed;
  parsed.overlay = Overlay::parse(text, origin, overlay_environment(), said.diagnostics);
  parsed.errors = lines_of(said, Severity::error);
  parsed.warnings = lines_of(said, Severity::warning);
  return parsed;
}

inline Overlay overlay_of(std::string_view text) {
  ParsedOverlay parsed = parse_overlay(text);
  EXPECT_TRUE(parsed.overlay.has_value()) << text << "\n" << (parsed.errors.empty() ? "" : parsed.errors.front());
  return parsed.overlay.value_or(Overlay());
}

}  // namespace shim::config::testing
