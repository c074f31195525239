#include "config/print.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/testing.h"

namespace shim::config {
namespace {

using ::testing::HasSubstr;
using testing::parse_text;

TEST(Print, writes_every_key_with_its_default) {
  EXPECT_EQ(print(Config{}), R"(shim: /var/run/image-cri-shim.sock
cri: /run/containerd/containerd.sock
version: auto
image: /var/lib/image-cri-shim
force: false
debug: false
timeout: 15m0s
drainTimeout: 10s
maxMessageSize: 16Mi
reloadInterval: 15s
fallback: upstream
restoreNames: true
registries: []
probe:
  timeout: 2s
  hedgeDelay: 150ms
  failureThreshold: 2
  recoveryInterval: 5s
cache:
  imageCacheSize: 1024
  imageCacheTTL: 30m0s
  domainCacheTTL: 10m0s
  notFoundTTL: 10s
  statsLogInterval: 1m0s
  disableStats: false
credentials:
  dockerConfig: []
  kubeletPlugins:
    config: ""
    binDir: ""
configMap:
  enabled: auto
  namespace: kube-system
  name: image-cri-shim
  key: registries.yaml
  kubeconfig: ""
  env: [SEALOS_*, DOCKER_*, REGISTRY_*, IMAGE_CRI_SHIM_*]
http:
  address: ""
admin: /run/image-cri-shim/admin.sock
log:
  format: text
)");
}

TEST(Print, of_the_defaults_is_read_back_as_the_defaults) {
  EXPECT_EQ(parse_text(print(Config{})).config, Config{});
}

// Values that YAML, or we, would read as something else were they written bare.
TEST(Print, is_read_back_equal_where_nothing_is_redacted) {
  const ParseResult first = parse_text(
      "shim: '/run/a b: #c.sock'\nimage: '/$${x}'\nadmin: '/run/\"q\".sock'\n"
      "configMap: {name: 'null', env: ['*', '~', 'null', '']}\n"
      "address: https://hub.example/prefix\nauth: {username: 'null', passwordFile: '/p, q'}\nofflinePriority: -1\n"
      "offline: {match: ['*'], rewrite: [{from: '^(.*)\\.x: \"$', to: '${a}\\1'}]}\n"
      "registries: [{address: '[fd00::1]:5000', auth: '', priority: 7, match: ['*.gcr.io', 'ghcr.io/org/*'],"
      " exclude: [quay.io], namespaces: [team-*], digestFallback: tag, tls: {ca: /ca.pem}}]\n");
  ASSERT_TRUE(first.config.has_value()) << testing::everything_said(first);
  const ParseResult second = parse_text(print(*first.config));
  ASSERT_TRUE(second.config.has_value()) << testing::everything_said(second) << print(*first.config);
  EXPECT_EQ(*second.config, *first.config) << print(*first.config);
}

TEST(Print, shows_what_the_defaults_come_to) {
  const std::string text = print(*parse_text("registries: [{address: docker.io}, {address: a.example}]").config);
  EXPECT_THAT(text, HasSubstr("  - address: docker.io\n    priority: 500\n    match: [docker.io]\n"));
  EXPECT_THAT(text, HasSubstr("  - address: a.example\n    priority: 500\n    match: [\"*\"]\n"));
}

TEST(Print, replaces_secrets) {
  const Config config = *parse_text(
                             "address: a.example\nauth: admin:hunter2\n"
                             "registries: [{address: b.example, auth: {identityToken: hunter2}}]")
                             .config;
  EXPECT_THAT(print(config), HasSubstr("auth: {username: admin, password: (set)}"));
  EXPECT_THAT(print(config), HasSubstr("auth: {identityToken: (set)}"));
}

}  // namespace
}  // namespace shim::config
