#include "runtimes/status_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtimes/testing.h"

namespace shim::runtimes {
namespace {

using ::testing::ElementsAre;

TEST(StatusConfig, OfContainerd1HasRegistriesAndSandboxImage) {
  const auto config = read_status_config(testing::kContainerd16);
  ASSERT_TRUE(config);
  EXPECT_EQ(config->sandbox_image, "registry.k8s.io/pause:3.6");
  ASSERT_TRUE(config->registries);
  EXPECT_EQ(config->registries->config_path, "/etc/containerd/certs.d");
  EXPECT_TRUE(config->registries->mirrors.empty());
}

TEST(StatusConfig, OfContainerd2HasNeither) {
  const auto config = read_status_config(testing::kContainerd21);
  ASSERT_TRUE(config);
  EXPECT_FALSE(config->sandbox_image);
  EXPECT_FALSE(config->registries);
}

TEST(StatusConfig, OfTheOthersHasTheSandboxImageAlone) {
  const auto config = read_status_config(R"({"sandboxImage":"registry.k8s.io/pause:3.10"})");
  ASSERT_TRUE(config);
  EXPECT_EQ(config->sandbox_image, "registry.k8s.io/pause:3.10");
  EXPECT_FALSE(config->registries);
}

TEST(StatusConfig, HasMirrorsAndTlsOfTheOldStyle) {
  const auto config = read_status_config(R"({"registry":{
    "configPath":"", "mirrors":{"docker.io":{"endpoint":["http://m:5000","https://n"]}},
    "configs":{"harbor.local":{"auth":null,"tls":{"insecure_skip_verify":true,"caFile":"/ca","certFile":"","keyFile":""}},
               "quay.io":{"auth":{"username":"u","password":"p"},"tls":null}}}})");
  ASSERT_TRUE(config && config->registries);
  EXPECT_THAT(config->registries->mirrors.at("docker.io"), ElementsAre("http://m:5000", "https://n"));
  ASSERT_EQ(config->registries->tls.size(), 1U);
  EXPECT_EQ(config->registries->tls.at("harbor.local").ca, "/ca");
  EXPECT_TRUE(config->registries->tls.at("harbor.local").skip_verify);
}

TEST(StatusConfig, TakesWhatIsOfAnotherTypeForAbsent) {
  const auto config = read_status_config(
      R"({"sandboxImage":7,"registry":{"configPath":[],"mirrors":{"a":3,"b":{"endpoint":[1]}},"configs":"x"}})");
  ASSERT_TRUE(config);
  EXPECT_FALSE(config->sandbox_image);
  ASSERT_TRUE(config->registries);
  EXPECT_EQ(config->registries->config_path, "");
}

TEST(StatusConfig, IsAnErrorWhereItIsNoObject) {
  for (const char* text : {"", "[]", "null", "{", "[crio]\nlog_level = \"info\""}) {
    EXPECT_FALSE(read_status_config(text)) << text;
  }
}

}  // namespace
}  // namespace shim::runtimes
