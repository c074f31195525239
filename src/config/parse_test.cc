// What each key means, its default and its bounds; warnings and notes.
#include "config/parse.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "config/testing.h"

namespace shim::config {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::notes_of;
using testing::parse_text;
using testing::warnings_of;

// The Config of a text without errors and warnings.
Config config_of(std::string_view text, testing::Variables variables = {}) {
  const ParseResult result = parse_text(text, std::move(variables));
  EXPECT_THAT(testing::lines_of(result, Severity::error), IsEmpty());
  EXPECT_THAT(testing::lines_of(result, Severity::warning), IsEmpty());
  return result.config.value_or(Config{});
}

Registry registry_of(const std::string& keys) {
  const Config config = config_of("registries:\n- address: https://a.example\n" + keys);
  EXPECT_EQ(config.registries.size(), 1u);
  return config.registries.at(0);
}

TEST(Parse, an_empty_file_is_all_defaults) {
  for (const char* text : {"", "\n\n", "# nothing\n", "---\n", "{}", "---\n...\n", "\xEF\xBB\xBF"}) {
    EXPECT_EQ(config_of(text), Config{}) << text;
  }
}

TEST(Parse, a_file_without_registries_says_so) {
  EXPECT_THAT(notes_of(""), ElementsAre("f.yaml: no registry is configured: every image name is forwarded unchanged"));
}

TEST(Parse, keys_without_a_value_keep_their_defaults) {
  EXPECT_EQ(config_of("shim:\ntimeout: ~\nregistries:\nauth:\nprobe:\ncache: {imageCacheTTL: null}\n"), Config{});
}

TEST(Parse, defaults_are_those_of_the_documents) {
  const Config config;
  EXPECT_EQ(config.shim, "/var/run/image-cri-shim.sock");
  EXPECT_EQ(config.cri, "/run/containerd/containerd.sock");
  EXPECT_EQ(config.image, "/var/lib/image-cri-shim");
  EXPECT_EQ(config.admin, "/run/image-cri-shim/admin.sock");
  EXPECT_EQ(config.timeout, 15min);
  EXPECT_EQ(config.drain_timeout, 10s);
  EXPECT_EQ(config.reload_interval, 15s);
  EXPECT_EQ(config.max_message_size, 16u << 20);
  EXPECT_EQ(config.version, CriVersion::automatic);
  EXPECT_EQ(config.fallback, Fallback::upstream);
  EXPECT_TRUE(config.restore_names);
  EXPECT_FALSE(config.force || config.debug);
}

struct Key {
  const char* text;
  void (*expect)(Config&);  // what the key changes in the defaults
};

const Key keys[] = {
    {"shim: unix:///run/a.sock", [](Config& c) { c.shim = "/run/a.sock"; }},
    {"cri: /run/b.sock", [](Config& c) { c.cri = "/run/b.sock"; }},
    {"admin: unix:///run/c.sock", [](Config& c) { c.admin = "/run/c.sock"; }},
    {"image: /srv/state", [](Config& c) { c.image = "/srv/state"; }},
    {"version: v1", [](Config& c) { c.version = CriVersion::v1; }},
    {"version: \"v1alpha2\"", [](Config& c) { c.version = CriVersion::v1alpha2; }},
    {"version: auto", [](Config&) {}},
    {"force: true", [](Config& c) { c.force = true; }},
    {"debug: Yes", [](Config& c) { c.debug = true; }},
    {"restoreNames: off", [](Config& c) { c.restore_names = false; }},
    {"timeout: 1m30s", [](Config& c) { c.timeout = 90s; }},
    {"drainTimeout: 500ms", [](Config& c) { c.drain_timeout = 500ms; }},
    {"reloadInterval: \"60s\"", [](Config& c) { c.reload_interval = 60s; }},
    {"maxMessageSize: 32Mi", [](Config& c) { c.max_message_size = 32u << 20; }},
    {"fallback: deny\naddress: a.example",
     [](Config& c) {
       c.fallback = Fallback::deny;
       c.offline = Registry{*image::Address::parse("a.example"), {}, {}, {}};
     }},
    {"probe: {timeout: 3s}", [](Config& c) { c.probe.timeout = 3s; }},
    {"probe: {hedgeDelay: 10ms}", [](Config& c) { c.probe.hedge_delay = 10ms; }},
    {"probe: {failureThreshold: 5}", [](Config& c) { c.probe.failure_threshold = 5; }},
    {"probe: {recoveryInterval: 1s}", [](Config& c) { c.probe.recovery_interval = 1s; }},
    {"cache: {imageCacheSize: 0}", [](Config& c) { c.cache.image_cache_size = 0; }},
    {"cache: {imageCacheTTL: 1h}", [](Config& c) { c.cache.image_cache_ttl = 1h; }},
    {"cache: {domainCacheTTL: 1h}", [](Config& c) { c.cache.domain_cache_ttl = 1h; }},
    {"cache: {notFoundTTL: 1s}", [](Config& c) { c.cache.not_found_ttl = 1s; }},
    {"cache: {statsLogInterval: 0}", [](Config& c) { c.cache.stats_log_interval = 0s; }},
    {"cache: {disableStats: true}", [](Config& c) { c.cache.disable_stats = true; }},
    {"credentials: {dockerConfig: [/root/.docker/config.json, /a.json]}",
     [](Config& c) { c.credentials.docker_config = {"/root/.docker/config.json", "/a.json"}; }},
    {"credentials: {kubeletPlugins: {config: /c.yaml, binDir: /bin}}",
     [](Config& c) { c.credentials.kubelet_plugins = {"/c.yaml", "/bin"}; }},
    {"credentials: {kubeletPlugins: {config: \"\", binDir: \"\"}}", [](Config&) {}},
    {"configMap: {enabled: true}", [](Config& c) { c.config_map.enabled = Enabled::yes; }},
    {"configMap: {enabled: false}", [](Config& c) { c.config_map.enabled = Enabled::no; }},
    {"configMap: {namespace: shim, name: n, key: k.yaml}",
     [](Config& c) {
       c.config_map.name_space = "shim";
       c.config_map.name = "n";
       c.config_map.key = "k.yaml";
     }},
    {"configMap: {kubeconfig: /k}", [](Config& c) { c.config_map.kubeconfig = "/k"; }},
    {"configMap: {env: []}", [](Config& c) { c.config_map.env.clear(); }},
    {"http: {address: '[::1]:9731'}", [](Config& c) { c.http.address = "[::1]:9731"; }},
    {"http: {address: ':9731'}", [](Config& c) { c.http.address = ":9731"; }},
    {"http: {address: 127.0.0.1:0}", [](Config& c) { c.http.address = "127.0.0.1:0"; }},
    {"log: {format: json}", [](Config& c) { c.log.format = LogFormat::json; }},
};

TEST(Parse, each_key_sets_its_value_and_nothing_else) {
  for (const Key& key : keys) {
    Config expected;
    key.expect(expected);
    EXPECT_EQ(config_of(key.text), expected) << key.text;
  }
}

TEST(Parse, a_registry_has_its_keys) {
  const Registry registry = registry_of(
      "  auth: {username: robot, passwordFile: /etc/harbor.pw}\n  priority: 600\n  match: [docker.io, '*.gcr.io']\n"
      "  exclude: ghcr.io/org\n  namespaces: [team-*]\n  rewrite: [{from: '^docker.io/(.*)$', to: 'hub/\\1'}]\n"
      "  digestFallback: tag\n  tls: {ca: /ca.pem, cert: /c.pem, key: /k.pem, insecureSkipVerify: true}\n");
  EXPECT_EQ(registry.address.host(), "a.example");
  EXPECT_EQ(registry.auth->username, "robot");
  EXPECT_EQ(registry.auth->password_file, "/etc/harbor.pw");
  EXPECT_EQ(registry.priority, 600);
  EXPECT_EQ(registry.routing.match->size(), 2u);
  EXPECT_EQ(registry.routing.exclude.at(0).text(), "ghcr.io/org");
  EXPECT_THAT(registry.routing.namespaces, ElementsAre("team-*"));
  EXPECT_EQ(registry.routing.rewrite.at(0).to(), "hub/\\1");
  EXPECT_EQ(registry.routing.digest_fallback, DigestFallback::tag);
  EXPECT_EQ(registry.routing.tls, (http::TlsOptions{"/ca.pem", "/c.pem", "/k.pem", true}));
}

TEST(Parse, the_offline_registry_has_the_same_keys_in_its_block) {
  const Config config = config_of(
      "address: https://hub.example\nauth: admin:passw0rd\nofflinePriority: 900\n"
      "offline: {match: [quay.io], exclude: [quay.io/x], namespaces: [a], digestFallback: tag, tls: {ca: /ca.pem},"
      " rewrite: [{from: a, to: b}]}\n");
  ASSERT_TRUE(config.offline.has_value());
  EXPECT_EQ(config.offline->auth->password.reveal(), "passw0rd");
  EXPECT_EQ(config.offline->priority, 900);
  EXPECT_EQ(config.offline->routing.match->at(0).text(), "quay.io");
  EXPECT_EQ(config.offline->routing.tls.ca, "/ca.pem");
  EXPECT_EQ(config.offline->routing.rewrite.size(), 1u);
  EXPECT_EQ(config.offline->routing.digest_fallback, DigestFallback::tag);
}

TEST(Parse, match_left_out_is_every_image_but_for_a_public_registry_its_own) {
  const auto matched = [](const std::string& address) {
    return effective_rule(config_of("registries: [{address: '" + address + "'}]").registries.at(0)).match.at(0).text();
  };
  EXPECT_EQ(matched("https://harbor.example"), "*");
  EXPECT_EQ(matched("docker.io"), "docker.io");
  EXPECT_EQ(matched("https://mirror.gcr.io"), "docker.io");
  EXPECT_EQ(matched("https://registry.k8s.io"), "registry.k8s.io");
}

TEST(Parse, auth_has_two_forms) {
  EXPECT_EQ(registry_of("  auth: 'user:pass:with:colons'\n").auth->password.reveal(), "pass:with:colons");
  EXPECT_EQ(registry_of("  auth: {username: user, password: 'a:b'}\n").auth->password.reveal(), "a:b");
  EXPECT_EQ(registry_of("  auth: {username: user, password: 123456}\n").auth->password.reveal(), "123456");
  EXPECT_EQ(registry_of("  auth: {identityToken: token}\n").auth->identity_token.reveal(), "token");
}

TEST(Parse, empty_auth_is_anonymous_and_no_auth_is_open) {
  for (const char* auth : {"\"\"", "{}", "':'", "{username: \"\", password: \"\"}"}) {
    const Registry registry = registry_of(std::string("  auth: ") + auth + "\n");
    ASSERT_TRUE(registry.auth.has_value()) << auth;
    EXPECT_TRUE(registry.auth->is_anonymous()) << auth;
  }
  EXPECT_FALSE(registry_of("").auth.has_value());
  EXPECT_FALSE(registry_of("  auth:\n").auth.has_value());
}

TEST(Parse, variables_are_expanded_in_every_value) {
  const Config config = config_of(
      "timeout: ${T}\ndebug: ${D:-true}\naddress: http://${H}:5000\nauth: ${AUTH}\n"
      "registries:\n- address: ${OTHER:-b.example}\n  match: ['${H}']\n"
      "  auth: {username: '${U:-nobody}', password: '$${literal}'}\n",
      {{"T", "20m"}, {"H", "sealos.hub"}, {"AUTH", "admin:pa:ss"}});
  EXPECT_EQ(config.timeout, 20min);
  EXPECT_TRUE(config.debug);
  EXPECT_EQ(config.offline->address.host(), "sealos.hub:5000");
  EXPECT_EQ(config.offline->auth->username, "admin");
  EXPECT_EQ(config.offline->auth->password.reveal(), "pa:ss");
  EXPECT_EQ(config.registries.at(0).auth->username, "nobody");
  EXPECT_EQ(config.registries.at(0).auth->password.reveal(), "${literal}");
}

TEST(Parse, a_rewrite_is_not_expanded) {
  EXPECT_EQ(registry_of("  rewrite: [{from: a, to: '${x}'}]\n").routing.rewrite.at(0).to(), "${x}");
}

TEST(Parse, anchors_and_merge_keys_are_followed) {
  const Config config = config_of(
      "x-registry: &common {priority: 700, digestFallback: tag}\n"
      "registries:\n- <<: *common\n  address: a.example\n- {<<: [*common], address: b.example, priority: 10}\n");
  EXPECT_EQ(config.registries.at(0).priority, 700);
  EXPECT_EQ(config.registries.at(1).priority, 10);
  EXPECT_EQ(config.registries.at(1).routing.digest_fallback, DigestFallback::tag);
}

TEST(Priority, zero_and_nothing_are_the_default) {
  EXPECT_FALSE(registry_of("  priority: 0\n").priority.has_value());
  EXPECT_FALSE(registry_of("").priority.has_value());
  EXPECT_EQ(registry_of("  priority: \"10000\"\n").priority, 10000);
}

TEST(Priority, out_of_range_is_clamped_and_warned_about) {
  const ParseResult result = parse_text(
      "address: a.example\nofflinePriority: 10001\nregistries:\n- address: b.example\n  priority: -1\n"
      "- address: c.example\n  priority: 99999999999999999999999\n");
  ASSERT_TRUE(result.config.has_value());
  EXPECT_EQ(result.config->offline->priority, 10000);
  EXPECT_EQ(result.config->registries.at(0).priority, 0);
  EXPECT_EQ(result.config->registries.at(1).priority, 10000);
  EXPECT_THAT(testing::lines_of(result, Severity::warning),
              ElementsAre("f.yaml:2: offlinePriority: \"10001\" is above 10000, which is used instead",
                          "f.yaml:5: registries[0].priority: \"-1\" is below 0: the lowest priority of all",
                          "f.yaml:7: registries[1].priority: \"99999999999999999999999\" is above 10000, which is used "
                          "instead"));
}

TEST(Warnings, an_unknown_key_names_the_nearest) {
  EXPECT_THAT(warnings_of("timout: 1m\ncache: {imageCachSize: 1}\nregistries:\n- address: a.example\n  prioritty: 1\n"
                          "offline_priority: 1\nsealos: {}\n"),
              ElementsAre("f.yaml:1: unknown key \"timout\" (did you mean \"timeout\"?)",
                          "f.yaml:2: cache: unknown key \"imageCachSize\" (did you mean \"imageCacheSize\"?)",
                          "f.yaml:5: registries[0]: unknown key \"prioritty\" (did you mean \"priority\"?)",
                          "f.yaml:6: unknown key \"offline_priority\" (did you mean \"offlinePriority\"?)",
                          "f.yaml:7: unknown key \"sealos\""));
}

TEST(Warnings, where_no_key_is_near_the_known_ones_are_listed) {
  EXPECT_THAT(warnings_of("log: {level: debug}\n"),
              ElementsAre("f.yaml:1: log: unknown key \"level\" (known here: format)"));
}

TEST(Warnings, a_key_that_may_be_a_password_is_cut) {
  EXPECT_THAT(warnings_of("{auth:admin:hunter2, debug: true}\n"),
              ElementsAre("f.yaml:1: unknown key \"auth…\" (a space must follow the colon)"));
  EXPECT_THAT(
      warnings_of("address: a.example\nauth: {hunter2: x}\n"),
      ElementsAre("f.yaml:2: auth: unknown key (known here: username, password, identityToken or passwordFile)"));
}

TEST(Warnings, top_level_keys_that_begin_with_x_are_for_anchors) {
  EXPECT_THAT(warnings_of("x-any: 1\n"), IsEmpty());
}

TEST(Warnings, keys_that_need_an_address_say_so) {
  EXPECT_THAT(warnings_of("auth: a:b\nofflinePriority: 1\noffline: {digestFallback: tag}\n"),
              ElementsAre("f.yaml:1: auth: has no effect without address",
                          "f.yaml:2: offlinePriority: has no effect without address",
                          "f.yaml:3: offline: has no effect without address"));
}

TEST(Warnings, settings_that_cannot_do_anything_say_so) {
  EXPECT_THAT(warnings_of("fallback: deny\n"),
              ElementsAre("f.yaml:1: fallback: deny has no effect without any registry"));
  EXPECT_THAT(warnings_of("registries: [{address: a.example, match: []}]\n"),
              ElementsAre("f.yaml:1: registries[0].match: an empty list matches no image"));
  EXPECT_THAT(warnings_of("address: http://a.example\noffline: {tls: {ca: /ca.pem}}\n"),
              ElementsAre("f.yaml:2: offline.tls: has no effect: http://a.example is asked over plain http"));
}

TEST(Warnings, two_registries_that_are_alike_are_named) {
  EXPECT_THAT(warnings_of("registries:\n- address: a.example\n- address: https://a.example\n  match: ['*']\n"
                          "- address: a.example\n  match: [quay.io]\n"),
              ElementsAre("f.yaml:3: registries[1].address: the same address and match as registries[0]"));
}

}  // namespace
}  // namespace shim::config
