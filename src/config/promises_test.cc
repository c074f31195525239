// Every configuration that users have been shown, with its values: each must be accepted without a warning.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "config/testing.h"

namespace shim::config {
namespace {

using namespace std::chrono_literals;
using ::testing::IsEmpty;

Config accepted(std::string_view text, testing::Variables variables = {}) {
  const ParseResult result = testing::parse_text(text, std::move(variables));
  EXPECT_THAT(testing::lines_of(result, Severity::error), IsEmpty());
  EXPECT_THAT(testing::lines_of(result, Severity::warning), IsEmpty());
  return result.config.value_or(Config{});
}

TEST(PromisedExample, user_guide) {
  const Config config = accepted(R"(shim: /var/run/image-cri-shim.sock
cri: /run/containerd/containerd.sock
address: http://sealos.hub:5000
force: true
debug: true
timeout: 15m
auth: admin:passw0rd

registries:
- address: http://172.18.1.38:5000
  auth: admin:passw0rd
)");
  EXPECT_TRUE(config.force && config.debug);
  EXPECT_FALSE(config.offline->address.is_secure());
  EXPECT_EQ(config.offline->auth->username, "admin");
  EXPECT_EQ(config.registries.at(0).address.host(), "172.18.1.38:5000");
}

TEST(PromisedExample, cri_dockerd_with_version_and_state_folder) {
  const Config config = accepted(R"(shim: /var/run/image-cri-shim.sock
cri: /var/run/cri-dockerd.sock
address: http://sealos.hub:5000
debug: false
image: /var/lib/image-cri-shim
auth: admin:passw0rd
version: v1
timeout: 15m
)");
  EXPECT_EQ(config.cri, "/var/run/cri-dockerd.sock");
  EXPECT_EQ(config.version, CriVersion::v1);
}

TEST(PromisedExample, rendered_template_of_each_cri_version) {
  for (const auto& [name, version] : {std::pair{"v1", CriVersion::v1}, std::pair{"v1alpha2", CriVersion::v1alpha2}}) {
    const Config config = accepted(std::string(R"(shim: /var/run/image-cri-shim.sock
cri: /run/containerd/containerd.sock
address: http://sealos.hub:5000
force: true
debug: false
image: /var/lib/image-cri-shim
timeout: 20m
auth: admin:passw0rd
version: )") + name + "\n");
    EXPECT_EQ(config.version, version);
    EXPECT_EQ(config.timeout, 20min);
  }
}

TEST(PromisedExample, service_guide_first_file) {
  const Config config = accepted(R"(shim: /var/run/image-cri-shim.sock
cri: /run/containerd/containerd.sock
address: https://your-registry.company.com
force: false
debug: false
timeout: 15m
reloadInterval: 30s
auth: your-username:your-password
registries:
- address: https://backup-registry.company.com
  auth: backup-user:backup-pass
)");
  EXPECT_EQ(config.reload_interval, 30s);
  EXPECT_EQ(config.registries.at(0).auth->username, "backup-user");
}

TEST(PromisedExample, service_guide_complete_file_with_comments) {
  const Config config = accepted(R"(# sockets
shim: /var/run/image-cri-shim.sock          # of the shim
cri: /run/containerd/containerd.sock        # of the runtime

address: https://registry.company.com
auth: registry-user:registry-password

registries:
- address: https://backup-registry.company.com
  auth: backup-user:backup-pass
- address: https://public.registry.com
  auth: ""  # no authentication

force: false
debug: false
timeout: 15m
reloadInterval: 30s
)");
  EXPECT_TRUE(config.registries.at(1).auth->is_anonymous());
}

TEST(PromisedExample, service_guide_failover_without_offline_registry) {
  const Config config = accepted(R"(registries:
- address: https://primary-registry.company.com
  auth: primary-user:primary-pass
- address: https://backup-registry.company.com
  auth: backup-user:backup-pass
- address: https://third-registry.company.com
  auth: third-user:third-pass
)");
  EXPECT_EQ(config.registries.size(), 3u);
  EXPECT_FALSE(config.offline.has_value());
}

TEST(PromisedExample, service_guide_several_registries) {
  const Config config = accepted(R"(shim: /var/run/image-cri-shim.sock
cri: /run/containerd/containerd.sock
address: https://primary-registry.company.com
auth: primary-user:primary-pass
force: true
debug: false
timeout: 20m
reloadInterval: 60s
registries:
- address: https://backup-registry-1.company.com
  auth: backup1-user:backup1-pass
- address: https://backup-registry-2.company.com
  auth: backup2-user:backup2-pass
- address: https://public-hub.docker.com
  auth: ""
)");
  EXPECT_EQ(config.registries.size(), 3u);
  EXPECT_TRUE(config.registries.at(2).auth->is_anonymous());
}

TEST(PromisedExample, rendered_template_without_a_timeout) {
  const Config config = accepted(R"(shim: /var/run/image-cri-shim.sock
cri: /run/containerd/containerd.sock
address: http://sealos.hub:5000
force: true
debug: false
image: /var/lib/image-cri-shim
version: v1
auth: admin:passw0rd
)");
  EXPECT_EQ(config.timeout, 15min);
}

TEST(PromisedExample, service_guide_empty_list_of_registries) {
  const Config config = accepted(R"(shim: /var/run/image-cri-shim.sock
cri: /run/containerd/containerd.sock
address: https://registry.company.com
auth: admin:password123
force: false
debug: false
timeout: 15m
reloadInterval: 30s
registries: []
)");
  EXPECT_THAT(config.registries, IsEmpty());
}

TEST(PromisedExample, service_guide_high_availability) {
  const Config config = accepted(R"(shim: /var/run/image-cri-shim.sock
cri: /run/containerd/containerd.sock
address: https://ha-registry.company.com
auth: ha-user:ha-pass
force: true
debug: false
timeout: 30m
reloadInterval: 30s
registries:
- address: https://registry-region1.company.com
  auth: region1-user:region1-pass
- address: https://registry-region2.company.com
  auth: region2-user:region2-pass
- address: https://public-hub.docker.com
  auth: ""
- address: https://mirror.gcr.io
  auth: ""
- address: https://registry.k8s.io
  auth: ""
)");
  EXPECT_EQ(config.registries.size(), 5u);
  EXPECT_EQ(config.timeout, 30min);
}

TEST(PromisedExample, local_file_with_priorities) {
  const Config config = accepted(R"(address: http://sealos.hub:5000
auth: admin:passw0rd
offlinePriority: 1000

registries:
  - address: docker.io
    auth: user:pass
    priority: 800
)");
  EXPECT_EQ(config.offline->priority, 1000);
  EXPECT_EQ(config.registries.at(0).priority, 800);
}

TEST(PromisedExample, what_a_config_map_writes_into_the_file) {
  const Config config = accepted(R"(offlinePriority: 1000
address: http://sealos.hub:5000
auth:
  username: ${SEALOS_USERNAME}
  password: ${SEALOS_PASSWORD}
registries:
  - address: docker.io
    auth:
      username: dockeruser
      password: dockerpass
    priority: 600
  - address: registry.example.com
    auth:
      username: reguser
      password: regpass
    priority: 800
  - address: fast-registry.io
    auth:
      username: fastuser
      password: fastpass
    priority: 1200
reloadInterval: "60s"
debug: false
timeout: "20m"
cache:
  imageCacheSize: 1024
  imageCacheTTL: 30m
  domainCacheTTL: 10m
  statsLogInterval: 1m
  disableStats: false
)",
                                 {{"SEALOS_USERNAME", "admin"}, {"SEALOS_PASSWORD", "passw0rd"}});
  EXPECT_EQ(config.offline->auth->password.reveal(), "passw0rd");
  EXPECT_EQ(config.registries.at(2).priority, 1200);
  EXPECT_EQ(config.cache, Cache{});
}

TEST(PromisedExample, every_key_with_its_default) {
  const Config config = accepted(R"(shim: /var/run/image-cri-shim.sock      # also unix:///…
cri: /run/containerd/containerd.sock
version: auto
image: /var/lib/image-cri-shim
force: false
debug: false
timeout: 15m
drainTimeout: 10s
maxMessageSize: 16Mi
reloadInterval: 15s
fallback: upstream
restoreNames: true
address: http://sealos.hub:5000
auth: admin:passw0rd
offline: {digestFallback: none, tls: {insecureSkipVerify: false}}
offlinePriority: 1000
registries:
- address: https://harbor.local/dockerhub
  auth: {username: robot, passwordFile: /etc/harbor.pw}
  priority: 600
  match: [docker.io]
  tls: {ca: /etc/ssl/harbor.pem}
probe: {timeout: 2s, hedgeDelay: 150ms, failureThreshold: 2, recoveryInterval: 5s}
cache: {imageCacheSize: 1024, imageCacheTTL: 30m, domainCacheTTL: 10m, notFoundTTL: 10s, statsLogInterval: 1m, disableStats: false}
credentials: {dockerConfig: [], kubeletPlugins: {config: "", binDir: ""}}
configMap: {enabled: auto, namespace: kube-system, name: image-cri-shim, key: registries.yaml, kubeconfig: "", env: ["SEALOS_*", "DOCKER_*", "REGISTRY_*", "IMAGE_CRI_SHIM_*"]}
http: {address: ""}
admin: /run/image-cri-shim/admin.sock
log: {format: text}
)");
  EXPECT_EQ(config.registries.at(0).address.prefix(), "dockerhub");
  EXPECT_EQ(config.registries.at(0).routing.tls.ca, "/etc/ssl/harbor.pem");
  Config rest = config;
  rest.offline.reset();
  rest.registries.clear();
  EXPECT_EQ(rest, Config{});
}

}  // namespace
}  // namespace shim::config
