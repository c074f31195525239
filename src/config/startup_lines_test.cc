#include "config/startup_lines.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/testing.h"

namespace shim::config {
namespace {

using ::testing::ElementsAre;

Config config_of(std::string_view text) {
  return testing::parse_text(text).config.value();
}

TEST(StartupLines, are_those_of_the_documented_log) {
  const Config config = config_of(
      "shim: /var/run/image-cri-shim.sock\ncri: /run/containerd/containerd.sock\naddress: http://sealos.hub:5000\n"
      "force: true\ndebug: false\nimage: /var/lib/image-cri-shim\nversion: v1\ntimeout: 20m\nauth: admin:passw0rd\n");
  EXPECT_THAT(startup_lines(config),
              ElementsAre("shim-socket: /var/run/image-cri-shim.sock", "cri-socket: /run/containerd/containerd.sock",
                          "hub-address: http://sealos.hub:5000", "RegistryDomain: sealos.hub:5000", "Force: true",
                          "Debug: false", "ImageDir: /var/lib/image-cri-shim", "Timeout: {20m0s}", "Username: admin",
                          "CRIVersion: v1"));
}

TEST(StartupLines, leave_out_the_offline_registry_where_there_is_none) {
  EXPECT_THAT(startup_lines(Config{}),
              ElementsAre("shim-socket: /var/run/image-cri-shim.sock", "cri-socket: /run/containerd/containerd.sock",
                          "Force: false", "Debug: false", "ImageDir: /var/lib/image-cri-shim", "Timeout: {15m0s}",
                          "CRIVersion: auto"));
}

TEST(StartupLines, say_who_is_anonymous) {
  EXPECT_THAT(startup_lines(config_of("address: a.example\n")), ::testing::Contains("Username: (anonymous)"));
  EXPECT_THAT(startup_lines(config_of("address: a.example\nauth: {identityToken: t}\n")),
              ::testing::Contains("Username: (identity token)"));
}

TEST(RegistryLines, count_from_one_and_mark_defaults) {
  const Config config = config_of(
      "address: http://sealos.hub:5000\nregistries:\n- address: docker.io\n- address: https://a.example:5000\n"
      "  priority: 500\n");
  EXPECT_THAT(registry_lines(config),
              ElementsAre("config: processing 2 configured registries",
                          "config: registry[1] address=docker.io domain=index.docker.io priority=500 (default)",
                          "config: registry[2] address=https://a.example:5000 domain=a.example priority=500",
                          "config: offline_registry address=http://sealos.hub:5000 domain=sealos.hub priority=1000 "
                          "(default)"));
}

}  // namespace
}  // namespace shim::config
