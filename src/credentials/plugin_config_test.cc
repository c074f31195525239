#include "credentials/plugin_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace shim::credentials {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::Pair;
using testing::SizeIs;

constexpr const char* kYaml = R"(apiVersion: kubelet.config.k8s.io/v1
kind: CredentialProviderConfig
providers:
- name: ecr-credential-provider
  matchImages: ["*.dkr.ecr.*.amazonaws.com", "registry.io:8080/path"]
  defaultCacheDuration: "12h"
  apiVersion: credentialprovider.kubelet.k8s.io/v1
  args: [get-credentials, --v=3]
  env:
  - {name: AWS_PROFILE, value: "${literal}"}
)";

std::vector<std::string> said(const std::string& text) {
  std::vector<std::string> lines;
  for (const auto& diagnostic : read_plugin_config(text, "/p.yaml").diagnostics) lines.push_back(to_string(diagnostic));
  return lines;
}
std::string with(const std::string& from, const std::string& to) {
  std::string text = kYaml;
  const auto at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(PluginConfig, IsReadAsTheKubeletReadsIt) {
  const auto config = parse_plugin_config(kYaml, "/p.yaml");
  ASSERT_TRUE(config) << config.error().message;
  ASSERT_THAT(config->plugins, SizeIs(1));
  const Plugin& plugin = config->plugins[0];
  EXPECT_EQ(plugin.name, "ecr-credential-provider");
  EXPECT_EQ(plugin.api_version, "credentialprovider.kubelet.k8s.io/v1");
  EXPECT_EQ(plugin.default_cache_duration, 12h);
  EXPECT_THAT(plugin.arguments, ElementsAre("get-credentials", "--v=3"));
  EXPECT_THAT(plugin.environment, ElementsAre(Pair("AWS_PROFILE", "${literal}")));
  EXPECT_TRUE(plugin.matches("1.dkr.ecr.eu-north-1.amazonaws.com/app"));
  EXPECT_FALSE(plugin.matches("registry.io/path"));
}

TEST(PluginConfig, OfAnyDepthIsAnErrorAtMost) {
  const std::string deep(200'000, '[');

  EXPECT_FALSE(parse_plugin_config("{\t\"providers\": " + deep, "f.json"));
  EXPECT_FALSE(parse_plugin_config("{\t\"providers\": " + deep + std::string(200'000, ']') + "}", "f.json"));
}

TEST(PluginConfig, MayBeJsonAndOfAnOlderVersion) {
  const auto config = parse_plugin_config(
      "{\t\"apiVersion\":\"kubelet.config.k8s.io/"
      "v1alpha1\",\n\t\"kind\":\"CredentialProviderConfig\",\n\t\"providers\":"
      "[{\"name\":\"p\",\"matchImages\":[\"a.io\"],\"defaultCacheDuration\":\"0s\",\"apiVersion\":"
      "\"credentialprovider.kubelet.k8s.io/v1beta1\"}]}",
      "/p.json");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->plugins.at(0).api_version, "credentialprovider.kubelet.k8s.io/v1beta1");
}

TEST(PluginConfig, NamesFileAndFieldOfEachMistake) {
  EXPECT_THAT(said(with("ecr-credential-provider", "../ecr")),
              ElementsAre(AllOf(HasSubstr("/p.yaml:4: providers[0].name: "), HasSubstr("\"../ecr\""))));
  EXPECT_THAT(said(with("\"12h\"", "soon")), ElementsAre(HasSubstr("providers[0].defaultCacheDuration: ")));
  EXPECT_THAT(said(with("  defaultCacheDuration: \"12h\"\n", "")),
              ElementsAre(HasSubstr("providers[0].defaultCacheDuration: is missing")));
  EXPECT_THAT(said(with("*.dkr.ecr.*.amazonaws.com", "registry.io:x")), ElementsAre(HasSubstr("matchImages")));
  EXPECT_THAT(said(with("[\"*.dkr.ecr.*.amazonaws.com\", \"registry.io:8080/path\"]", "[]")),
              ElementsAre(HasSubstr("matchImages: needs at least one")));
  EXPECT_THAT(said(with("credentialprovider.kubelet.k8s.io/v1", "v7")),
              ElementsAre(HasSubstr("providers[0].apiVersion")));
  EXPECT_THAT(said(with("CredentialProviderConfig", "KubeletConfiguration")), ElementsAre(HasSubstr("kind: expected")));
  EXPECT_THAT(said("{}"), SizeIs(3));
  EXPECT_THAT(said("[]"), Not(SizeIs(0)));
  EXPECT_THAT(said("\t{"), Not(SizeIs(0)));
}

TEST(PluginConfig, ShowsNoValueOfAVariable) {
  EXPECT_THAT(said(with("{name: AWS_PROFILE, value: \"${literal}\"}", "{name: \"A=SENTINEL\", value: SENTINEL}")),
              ElementsAre(Not(HasSubstr("SENTINEL"))));
}

TEST(PluginConfig, LeavesOutAPluginThatNeedsAServiceAccount) {
  const auto result =
      read_plugin_config(with("  args:", "  tokenAttributes: {serviceAccountTokenAudience: x}\n  args:"), "/p.yaml");
  ASSERT_TRUE(result.config);
  EXPECT_THAT(result.config->plugins, SizeIs(0));
  ASSERT_THAT(result.diagnostics, SizeIs(1));
  EXPECT_EQ(result.diagnostics[0].severity, config::Severity::warning);
}

}  // namespace
}  // namespace shim::credentials
