#include "config/overlay.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "config/overlay_testing.h"

namespace shim::config {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::overlay_of;
using testing::parse_overlay;
using testing::ParsedOverlay;
using ::testing::UnorderedElementsAre;

std::vector<std::string> keys_of(const Overlay& overlay) {
  std::vector<std::string> keys;
  for (const Node::Member& member : overlay.members()) keys.push_back(member.key);
  return keys;
}

ParseResult merged(std::string_view file, const Overlay& overlay) {
  return parse(file, "f.yaml", testing::overlay_environment(), &overlay);
}

// As documented, all keys.
constexpr std::string_view kDocumented = R"(version: v1
offlinePriority: 1000  # sealos.hub
sealos:
  address: http://sealos.hub:5000
  auth:
    username: admin
    password: passw0rd
registries:
  - address: docker.io
    auth:
      username: dockeruser
      password: dockerpass
    priority: 600
  - address: fast-registry.io
    priority: 1200
reloadInterval: 15s
force: true
debug: false
timeout: 15m
cache:
  imageCacheSize: 1024
  imageCacheTTL: 30m
  domainCacheTTL: 10m
  statsLogInterval: 1m
  disableStats: false
)";

TEST(Overlay, documented_form_sets_every_key_under_the_name_that_the_file_has_for_it) {
  const ParsedOverlay parsed = parse_overlay(kDocumented);
  EXPECT_THAT(parsed.errors, IsEmpty());
  EXPECT_THAT(parsed.warnings, IsEmpty());
  EXPECT_THAT(keys_of(*parsed.overlay), ElementsAre("address", "auth", "offlinePriority", "registries", "force",
                                                    "debug", "timeout", "reloadInterval", "cache"));
  const Config config = merged("", *parsed.overlay).config.value();
  EXPECT_EQ(config.offline->address.text(), "http://sealos.hub:5000");
  EXPECT_EQ(config.offline->auth->username, "admin");
  EXPECT_EQ(config.offline->priority, 1000);
  EXPECT_EQ(config.registries.at(0).priority, 600);
  EXPECT_EQ(config.registries.at(1).priority, 1200);
  EXPECT_TRUE(config.force);
}

TEST(Overlay, service_guide) {
  const ParsedOverlay parsed = parse_overlay(R"(version: "v1"
sealos:
  address: "https://registry.company.com"
  auth:
    username: "admin"
    password: "new-password123"
registries:
  - address: "https://backup-registry.company.com"
    auth:
      username: "backup-user"
      password: "backup-pass"
  - address: "https://new-registry.company.com"
    auth:
      username: "new-user"
      password: "new-pass"
reloadInterval: "60s"
force: true
debug: false
timeout: "20m"
)");
  EXPECT_THAT(parsed.errors, IsEmpty());
  EXPECT_THAT(parsed.warnings, IsEmpty());
  const Config config = merged(R"(shim: /var/run/image-cri-shim.sock
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
)",
                               *parsed.overlay)
                            .config.value();
  EXPECT_EQ(config.offline->address.host(), "registry.company.com");
  EXPECT_EQ(config.offline->auth->password, Secret("new-password123"));
  EXPECT_EQ(config.registries.size(), 2U);
  EXPECT_EQ(config.timeout, 20min);
}

TEST(Overlay, schema_version_is_no_cri_version) {
  EXPECT_TRUE(overlay_of("version: v1").empty());
  EXPECT_EQ(merged("version: v1alpha2", overlay_of("version: v1\ndebug: true")).config->version, CriVersion::v1alpha2);
  EXPECT_THAT(parse_overlay("version: v2").warnings, ElementsAre(HasSubstr("version: is \"v2\"")));
}

TEST(Overlay, text_that_sets_nothing_is_empty) {
  for (const char* text : {"", "# nothing", "---", "~", "''", "version: v1", "sealos:", "sealos: {}", "cache: {}",
                           "sealos: {auth: {}}", "sealos: {address: ''}", "registries: ''"}) {
    EXPECT_TRUE(overlay_of(text).empty()) << text;
  }
}

struct Case {
  const char* file_key;  // a Config differs by this text in the file …
  const char* absent;    // … and the ConfigMap says each of these
  const char* null;
  const char* empty;
  const char* set;
  const char* invalid;
};

// Every key × {absent, null, empty, set, invalid}.
TEST(Overlay, merges_each_key) {
  const Case cases[] = {
      {"address: http://new:5000", "sealos: {}", "sealos: {address: }", "sealos: {address: \"\"}",
       "sealos: {address: \"http://new:5000\"}", "sealos: {address: \"ftp://x\"}"},
      {"auth: u:p", "sealos: {}", "sealos: {auth: ~}", "sealos: {auth: ''}", "sealos: {auth: 'u:p'}",
       "sealos: {auth: text}"},
      {"auth: u:p", "sealos: {}", "sealos: {auth: {username: , password: }}",
       "sealos: {auth: {username: '', password: ''}}", "sealos: {auth: {username: u, password: p}}",
       "sealos: {auth: {username: u}}"},
      {"offlinePriority: 7", "debug:", "offlinePriority:", "offlinePriority: ''", "offlinePriority: 7",
       "offlinePriority: high"},
      {"registries: [{address: r.example}]", "debug:", "registries: null", "registries: ''",
       "registries: [{address: r.example}]", "registries: [{priority: 1}]"},
      {"registries: []", "debug:", "registries: null", "registries: ''", "registries: []", "registries: 5"},
      {"force: true", "debug:", "force:", "force: ''", "force: true", "force: maybe"},
      {"debug: true", "force:", "debug: ~", "debug: ''", "debug: true", "debug: []"},
      {"timeout: 3m", "debug:", "timeout:", "timeout: \"\"", "timeout: 3m", "timeout: 3 minutes"},
      {"reloadInterval: 33s", "debug:", "reloadInterval:", "reloadInterval: ''", "reloadInterval: 33s",
       "reloadInterval: 0s"},
      {"cache: {imageCacheSize: 5}", "cache: {}", "cache: {imageCacheSize: }", "cache: {imageCacheSize: ''}",
       "cache: {imageCacheSize: 5}", "cache: {imageCacheSize: -5}"},
      {"cache: {imageCacheTTL: 5m}", "cache: {}", "cache: {imageCacheTTL: }", "cache: {imageCacheTTL: ''}",
       "cache: {imageCacheTTL: 5m}", "cache: {imageCacheTTL: 5}"},
      {"cache: {domainCacheTTL: 5m}", "cache: {}", "cache: {domainCacheTTL: }", "cache: {domainCacheTTL: ''}",
       "cache: {domainCacheTTL: 5m}", "cache: {domainCacheTTL: long}"},
      {"cache: {notFoundTTL: 5m}", "cache: {}", "cache: {notFoundTTL: }", "cache: {notFoundTTL: ''}",
       "cache: {notFoundTTL: 5m}", "cache: {notFoundTTL: {}}"},
      {"cache: {statsLogInterval: 5m}", "cache: {}", "cache: {statsLogInterval: }", "cache: {statsLogInterval: ''}",
       "cache: {statsLogInterval: 5m}", "cache: {statsLogInterval: [1m]}"},
      {"cache: {disableStats: true}", "cache: {}", "cache: {disableStats: }", "cache: {disableStats: ''}",
       "cache: {disableStats: true}", "cache: {disableStats: 1}"},
  };
  constexpr std::string_view kAddress = "address: http://old:5000\n";
  for (const Case& row : cases) {
    const std::string key(row.file_key, std::string_view(row.file_key).find(':'));
    // The local file sets something else, or the same, for the key: what the ConfigMap does not set is kept.
    const std::string local = (key == "address" ? "" : std::string(kAddress)) + row.file_key + "\n";
    for (const char* unset : {row.absent, row.null, row.empty}) {
      const Overlay overlay = overlay_of(unset);
      EXPECT_TRUE(overlay.empty()) << unset;
      EXPECT_EQ(merged(local, overlay).config, testing::parse_text(local).config) << unset;
    }
    const std::string other = key == "registries" ? std::string(kAddress) + "registries: [{address: other.example}]\n"
                                                  : std::string(kAddress);
    EXPECT_EQ(merged(other, overlay_of(row.set)).config, testing::parse_text(local).config) << row.set;
    const ParsedOverlay refused = parse_overlay(row.invalid);
    EXPECT_FALSE(refused.overlay.has_value()) << row.invalid;
    EXPECT_EQ(refused.errors.size(), 1U) << row.invalid;
  }
}

TEST(Overlay, cache_is_merged_key_by_key) {
  const Config config = merged("cache: {imageCacheSize: 5, disableStats: true}",
                               overlay_of("cache: {imageCacheSize: 6, notFoundTTL: 1s}"))
                            .config.value();
  EXPECT_EQ(config.cache.image_cache_size, 6);
  EXPECT_EQ(config.cache.not_found_ttl, 1s);
  EXPECT_TRUE(config.cache.disable_stats);
}

TEST(Overlay, list_of_registries_is_replaced_and_not_merged) {
  const std::string file = "registries: [{address: a.example, priority: 9}, {address: b.example}]";
  const Config config = merged(file, overlay_of("registries: [{address: a.example}]")).config.value();
  ASSERT_EQ(config.registries.size(), 1U);
  EXPECT_EQ(config.registries[0].priority, std::nullopt);
  EXPECT_TRUE(merged(file, overlay_of("registries: []")).config->registries.empty());
}

TEST(Overlay, an_entry_may_have_the_keys_that_the_file_has) {
  const Overlay overlay = overlay_of(R"(registries:
- address: https://harbor.local/dockerhub
  auth: robot:secret
  match: [docker.io]
  exclude: [docker.io/private]
  namespaces: [team-*]
  rewrite: [{from: '^docker.io/(.*)$', to: 'hub/\1'}]
  digestFallback: tag
  tls: {ca: /etc/ssl/ca.pem, cert: "", key: , insecureSkipVerify: ""}
- {address: quay.io, auth: "", priority: ""}
- {address: ghcr.io, auth: {username: "", password: ""}}
)");
  const Config config = merged("", overlay).config.value();
  EXPECT_EQ(config.registries.at(0).routing.tls.ca, "/etc/ssl/ca.pem");
  EXPECT_EQ(config.registries.at(0).routing.digest_fallback, DigestFallback::tag);
  EXPECT_TRUE(config.registries.at(1).auth->is_anonymous());
  EXPECT_TRUE(config.registries.at(2).auth->is_anonymous());
}

TEST(Overlay, refused_as_a_whole_with_all_errors_and_their_places) {
  const ParsedOverlay parsed = parse_overlay(R"(debug: perhaps
sealos:
  address: "http://user@host"
registries:
- address: docker.io
- address: quay.io
  priority: high
timeout: 0
)");
  EXPECT_FALSE(parsed.overlay.has_value());
  EXPECT_THAT(
      parsed.errors,
      ElementsAre(
          "ConfigMap kube-system/image-cri-shim:1: debug: expected true or false, got \"perhaps\"",
          "ConfigMap kube-system/image-cri-shim:3: sealos.address: an address holds no user name and password; they "
          "belong under auth",
          "ConfigMap kube-system/image-cri-shim:7: registries[1].priority: expected a number, got \"high\"",
          "ConfigMap kube-system/image-cri-shim:8: timeout: expected a duration from 100ms to 24h0m0s, got \"0\""));
}

TEST(Overlay, what_is_no_block_of_keys_is_refused) {
  for (const char* text : {"text", "- a", "a: [", "a: b\n---\nc: d", "sealos: http://x", "sealos: []", "cache: 5",
                           "sealos: {auth: [a]}", "debug: true\ndebug: true", "\xff", "a: *b"}) {
    const ParsedOverlay parsed = parse_overlay(text);
    EXPECT_FALSE(parsed.overlay.has_value()) << text;
    EXPECT_EQ(parsed.errors.size(), 1U) << text;
  }
}

TEST(Overlay, names_no_file_of_the_node) {
  const ParsedOverlay parsed = parse_overlay(R"(sealos:
  auth: {username: u, passwordFile: /etc/shadow}
registries:
- address: a.example
  auth: {username: u, passwordFile: /etc/shadow}
- address: b.example
  tls: {cert: /etc/kubernetes/pki/a.crt, key: /etc/kubernetes/pki/a.key}
)");
  EXPECT_FALSE(parsed.overlay.has_value());
  EXPECT_THAT(parsed.errors, ElementsAre(HasSubstr(":2: sealos.auth.passwordFile: a ConfigMap must not name a file"),
                                         HasSubstr(":5: registries[0].auth.passwordFile: a ConfigMap must not"),
                                         HasSubstr(":7: registries[1].tls.cert: a ConfigMap must not name a file"),
                                         HasSubstr(":7: registries[1].tls.key: a ConfigMap must not name a file")));
}

TEST(Overlay, names_no_file_by_a_merge_key_either) {
  EXPECT_FALSE(parse_overlay("x-a: &a {passwordFile: /etc/shadow, username: u}\nsealos: {auth: {<<: *a}}").overlay);
  EXPECT_FALSE(
      parse_overlay("x-a: &a {username: u, passwordFile: /x}\nregistries: [{address: a.io, auth: *a}]").overlay);
}

TEST(Overlay, variables_of_the_allowed_names_are_expanded_when_merged) {
  const Overlay overlay = overlay_of(
      "sealos: {address: 'http://hub:5000', auth: {username: '${DOCKER_USERNAME}', password: '${SEALOS_PASSWORD}'}}");
  EXPECT_EQ(overlay.find("auth")->members.at(1).value->text, "${SEALOS_PASSWORD}");
  EXPECT_EQ(merged("", overlay).config->offline->auth->password, Secret("s3cret"));
}

TEST(Overlay, other_variables_are_refused_even_with_a_default) {
  for (const char* text :
       {"sealos: {auth: 'u:${HOME}'}", "sealos: {auth: 'u:${HOME:-x}'}", "timeout: ${PATH:-5m}",
        "sealos: {auth: 'u:${MY_SEALOS_PASSWORD:-x}'}", "registries: [{address: 'a.io/${HOME}'}]",
        "registries: [{address: a.io, match: ['${HOME:-*}']}]", "sealos: {auth: 'u:$${$${${HOME:-x}'}"}) {
    const ParsedOverlay parsed = parse_overlay(text);
    EXPECT_FALSE(parsed.overlay.has_value()) << text;
    EXPECT_THAT(parsed.errors, ElementsAre(HasSubstr("may not be named here; allowed: SEALOS_*, DOCKER_*"))) << text;
  }
}

TEST(Overlay, an_allowed_variable_must_be_set_or_have_a_default) {
  EXPECT_THAT(parse_overlay("sealos: {auth: 'u:${SEALOS_ABSENT}'}").errors,
              ElementsAre(HasSubstr("the environment variable SEALOS_ABSENT is not set")));
  EXPECT_TRUE(parse_overlay("sealos: {auth: 'u:${SEALOS_ABSENT:-p}'}").overlay.has_value());
  EXPECT_FALSE(parse_overlay("sealos: {auth: 'u:${SEALOS ABSENT}'}").overlay.has_value());
  EXPECT_FALSE(parse_overlay("sealos: {auth: 'u:${SEALOS_PASSWORD'}").overlay.has_value());
}

TEST(Overlay, escaped_variables_are_literal) {
  const Overlay overlay = overlay_of("sealos: {address: hub.example, auth: 'u:$${HOME}'}");
  EXPECT_EQ(merged("", overlay).config->offline->auth->password, Secret("${HOME}"));
}

TEST(Overlay, regular_expressions_hold_no_variables) {
  EXPECT_TRUE(
      parse_overlay("registries: [{address: a.io, rewrite: [{from: 'a${HOME}', to: 'b'}]}]").overlay.has_value());
}

TEST(Overlay, warns_of_keys_that_do_nothing_here) {
  EXPECT_THAT(
      parse_overlay("cri: /run/x.sock\ndebgu: true\naddress: a.io\nauth: 'u:p'\nfallback: deny\nx-mine: 1").warnings,
      UnorderedElementsAre(HasSubstr(":1: cri: is a key of the node's own file only"),
                           HasSubstr(":2: unknown key \"debgu\" (did you mean \"debug\"?)"),
                           HasSubstr(":3: address: is ignored here; did you mean sealos.address?"),
                           HasSubstr(":4: auth: is ignored here; did you mean sealos.auth?"),
                           HasSubstr(":5: fallback: is a key of the node's own file only")));
  EXPECT_THAT(parse_overlay("sealos: {adress: a.io}\ncache: {ImageCacheSize: 3}").warnings,
              ElementsAre(HasSubstr("did you mean \"address\"?"), HasSubstr("did you mean \"imageCacheSize\"?")));
}

TEST(Overlay, a_key_of_the_offline_registry_needs_no_address_of_its_own) {
  const ParsedOverlay parsed = parse_overlay("offlinePriority: 5\nsealos: {auth: 'u:p'}");
  EXPECT_THAT(parsed.warnings, IsEmpty());
  EXPECT_EQ(merged("address: hub.example", *parsed.overlay).config->offline->priority, 5);
}

TEST(Overlay, a_broken_local_value_that_is_replaced_is_no_error) {
  EXPECT_TRUE(merged("debug: perhaps", overlay_of("debug: true")).config->debug);
  EXPECT_FALSE(merged("force: perhaps", overlay_of("debug: true")).config.has_value());
  EXPECT_FALSE(merged("debug: true\ndebug: true", overlay_of("debug: true")).config.has_value());
  EXPECT_FALSE(merged("cache: 5", overlay_of("cache: {imageCacheSize: 1}")).config.has_value());
}

TEST(Overlay, what_is_said_of_a_merged_file_names_the_text_that_it_is_of) {
  const Overlay overlay = overlay_of("debug: true\nregistries:\n- {address: a.example}\n- {address: a.example}");
  const ParseResult result = merged("cri: /run/x.sock\nunknownKey: 1\nprobe: {a: 1}", overlay);
  EXPECT_THAT(testing::lines_of(result, Severity::warning),
              ElementsAre(HasSubstr("f.yaml:2: unknown key"), HasSubstr("f.yaml:3: probe: unknown key"),
                          HasSubstr("ConfigMap kube-system/image-cri-shim:4: registries[1].address: the same")));
}

TEST(Overlay, over_an_older_one_keeps_what_it_leaves_out) {
  const Overlay older = overlay_of(
      "debug: true\ntimeout: 1m\ncache: {imageCacheSize: 1, disableStats: true}\nregistries: [{address: a.io}]");
  const Overlay newer = overlay_of("timeout: 2m\ncache: {imageCacheSize: 2}\nregistries: []");
  const Config config = merged("", newer.over(older)).config.value();
  EXPECT_TRUE(config.debug);
  EXPECT_EQ(config.timeout, 2min);
  EXPECT_EQ(config.cache.image_cache_size, 2);
  EXPECT_TRUE(config.cache.disable_stats);
  EXPECT_TRUE(config.registries.empty());
  EXPECT_EQ(newer.over(Overlay()), newer);
  EXPECT_EQ(Overlay().over(older), older);
}

TEST(Overlay, what_stays_of_an_older_one_claims_no_line_of_the_newer) {
  const Overlay older = overlay_of("registries:\n- {address: a.example}\n- {address: a.example}");
  EXPECT_THAT(testing::lines_of(merged("", overlay_of("debug: true").over(older)), Severity::warning),
              ElementsAre(HasSubstr("ConfigMap kube-system/image-cri-shim: registries[1].address: the same")));
}

TEST(Overlay, equal_where_the_same_keys_have_the_same_values) {
  EXPECT_EQ(overlay_of("debug: true\nforce: false"), overlay_of("# other\nforce: false\ndebug: 'true'\nversion: v1"));
  EXPECT_NE(overlay_of("debug: true"), overlay_of("debug: false"));
  EXPECT_NE(overlay_of("registries: []"), overlay_of(""));
  EXPECT_NE(overlay_of("sealos: {auth: 'u:s3cret'}"), overlay_of("sealos: {auth: 'u:${SEALOS_PASSWORD}'}"));
}

TEST(Overlay, text_of_any_size_is_answered) {
  EXPECT_THAT(parse_overlay(std::string(2'000'000, '#')).errors, ElementsAre(HasSubstr("larger than 1048576 bytes")));
  std::string bomb = "x-a: &a " + std::string(100'000, 'a') + "\nregistries: [";
  for (int i = 0; i < 1000; ++i) bomb += "{address: a.io, x: *a},";
  EXPECT_THAT(parse_overlay(bomb + "]").errors, ElementsAre(HasSubstr("once aliases are expanded")));
}

TEST(Overlay, lines_that_operators_know) {
  EXPECT_THAT(
      overlay_lines(overlay_of(kDocumented)),
      ElementsAre("configmap: synced offlinePriority=1000", "configmap: syncing registry docker.io with priority=600",
                  "configmap: syncing registry fast-registry.io with priority=1200",
                  "configmap: merged 2 registries into config"));
  EXPECT_THAT(overlay_lines(overlay_of("registries: [{address: a.io}, {address: b.io, priority: 20000}]")),
              ElementsAre("configmap: syncing registry a.io with priority=500 (default)",
                          "configmap: syncing registry b.io with priority=10000",
                          "configmap: merged 2 registries into config"));
  EXPECT_THAT(overlay_lines(overlay_of("registries: []")), ElementsAre("configmap: merged 0 registries into config"));
  EXPECT_THAT(overlay_lines(overlay_of("debug: true")), IsEmpty());
}

}  // namespace
}  // namespace shim::config
