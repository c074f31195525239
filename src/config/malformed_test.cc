#ifdef __clang__
// One huge initialiser: with its optimiser and the sanitizers clang takes minutes over it.
#pragma clang optimize off
#endif

// What the operator reads for each mistake: one row a mistake, word for word.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "config/testing.h"

namespace shim::config {
namespace {

using ::testing::ElementsAre;
using testing::errors_of;

struct Mistake {
  const char* name;
  std::string text;
  std::string error;  // after `f.yaml:`
};

void PrintTo(const Mistake& mistake, std::ostream* out) {
  *out << mistake.name;
}

class Malformed : public ::testing::TestWithParam<Mistake> {};

TEST_P(Malformed, is_said_with_its_place) {
  EXPECT_THAT(errors_of(GetParam().text), ElementsAre("f.yaml:" + GetParam().error));
}

TEST_P(Malformed, gives_no_config) {
  EXPECT_FALSE(testing::parse_text(GetParam().text).config.has_value());
}

std::string name_of_mistake(const ::testing::TestParamInfo<Mistake>& info) {
  return info.param.name;
}

const std::string two = "registries:\n- address: a.example\n- address: b.example\n";
const std::string one = "registries:\n- address: a.example\n";

const Mistake documents[] = {
    {"not_utf8", "debug: true\nshim: /\xff\n", "2: not UTF-8 text"},
    {"utf16",
     std::string("\xff\xfe"
                 "d\0",
                 4),
     "1: not UTF-8 text"},
    {"nul", std::string("debug: true\n\0", 13), "2: a NUL character: this is no text file"},
    {"top_level_list", "- address: a.example\n", "1: expected keys and values, got a list"},
    {"top_level_text", "hello\n", "1: expected keys and values, got text"},
    {"two_documents", "debug: true\n---\ndebug: false\n",
     "3: a second YAML document (---) begins here; one is allowed"},
    {"unclosed_list", "registries: [a\n", "1: not valid YAML: end of sequence flow not found"},
    {"unclosed_quote", "shim: \"/run\n", "1: not valid YAML: a quote that is never closed"},
    {"unrendered_template", "auth: {{ .registryUsername }}:{{ .registryPassword }}\n",
     "1: a key must be a name, not a block (a template whose {{…}} were not filled in?)"},
    {"unknown_alias", "auth: *passw0rd\n",
     "1: not valid YAML: an alias (*…) that no anchor (&…) defines; a value that begins with * needs quotes"},
    {"unknown_escape", "shim: \"\\q\"\n", "1: not valid YAML: unknown escape character"},
    {"list_as_key", "[a, b]: 1\n", "1: a key must be a name, not a list"},
    {"no_key", ": 1\n", "1: a key must be a name, not nothing"},
    {"alias_in_itself", "x-a: &a [*a]\n", "1: an alias stands inside of what it names"},
    {"merge_of_text", "<<: hello\n", "1: << merges blocks, not text"},
    {"deep_nesting", "x-a: " + std::string(70, '[') + std::string(70, ']') + "\n", "1: nested deeper than 64 levels"},
    {"repeated_key", "debug: true\nforce: true\ndebug: false\n", "3: the key \"debug\" is already on line 1"},
    {"repeated_key_below", one + "  priority: 1\n  priority: 2\n",
     "4: registries[0]: the key \"priority\" is already on line 3"},
};
INSTANTIATE_TEST_SUITE_P(document, Malformed, ::testing::ValuesIn(documents), name_of_mistake);

const Mistake top_level[] = {
    {"relative_socket", "shim: run/a.sock\n",
     "1: shim: expected the absolute path of a socket (or unix:///path), got \"run/a.sock\""},
    {"other_scheme", "cri: tcp://127.0.0.1:1\n",
     "1: cri: expected the absolute path of a socket (or unix:///path), got \"tcp://127.0.0.1:1\""},
    {"socket_is_folder", "cri: /run/\n",
     "1: cri: expected the absolute path of a socket (or unix:///path), got \"/run/\""},
    {"long_socket", "shim: /" + std::string(107, 'a') + "\n",
     "1: shim: the path has 108 bytes; a unix socket's has at most 107"},
    {"same_sockets", "shim: /run/a.sock\ncri: unix:///run/a.sock\n",
     "1: shim: /run/a.sock is also cri; the shim would call itself"},
    {"same_sockets_by_var_run", "shim: /var/run/a.sock\ncri: /run/a.sock\n",
     "1: shim: /var/run/a.sock is also cri; the shim would call itself"},
    {"admin_is_shim", "admin: /var/run/image-cri-shim.sock\n", "1: admin: is the same socket as shim"},
    {"admin_is_cri", "admin: /run/containerd/containerd.sock\n", "1: admin: is the same socket as cri"},
    {"relative_image", "image: state\n", "1: image: expected an absolute path, got \"state\""},
    {"image_is_list", "image: [/a]\n", "1: image: expected an absolute path, got a list"},
    {"line_break_in_path", "image: \"/a\\nb\"\n", "1: image: a control character or line break is not allowed"},
    {"unknown_version", "version: v2\n", "1: version: expected auto, v1 or v1alpha2, got \"v2\""},
    {"unknown_fallback", "fallback: never\n", "1: fallback: expected upstream or deny, got \"never\""},
    {"unknown_log_format", "log: {format: xml}\n", "1: log.format: expected text or json, got \"xml\""},
    {"log_is_text", "log: json\n", "1: log: expected a block of keys, got text"},
    {"force_is_no_flag", "force: maybe\n", "1: force: expected true or false, got \"maybe\""},
    {"debug_is_block", "debug: {on: true}\n", "1: debug: expected true or false, got a block"},
    {"timeout_without_unit", "timeout: 15\n",
     "1: timeout: expected a duration such as 15m, 1m30s or 500ms, got \"15\""},
    {"timeout_zero", "timeout: 0\n", "1: timeout: expected a duration from 100ms to 24h0m0s, got \"0\""},
    {"timeout_too_long", "timeout: 25h\n", "1: timeout: expected a duration from 100ms to 24h0m0s, got \"25h\""},
    {"timeout_negative", "timeout: -1s\n", "1: timeout: expected a duration such as 15m, 1m30s or 500ms, got \"-1s\""},
    {"drain_zero", "drainTimeout: 0s\n", "1: drainTimeout: expected a duration from 1ms to 1h0m0s, got \"0s\""},
    {"reload_too_often", "reloadInterval: 10ms\n",
     "1: reloadInterval: expected a duration from 1s to 24h0m0s, got \"10ms\""},
    {"size_unit", "maxMessageSize: 16 potatoes\n",
     "1: maxMessageSize: expected a size such as 16Mi, got \"16 potatoes\""},
    {"size_too_small", "maxMessageSize: 16\n", "1: maxMessageSize: expected a size from 64Ki to 64Mi, got \"16\""},
    {"size_too_large", "maxMessageSize: 1Gi\n", "1: maxMessageSize: expected a size from 64Ki to 64Mi, got \"1Gi\""},
    {"unset_variable", "image: ${STATE}/x\n",
     "1: image: the environment variable STATE is not set (${STATE:-} allows that)"},
    {"unclosed_variable", "image: /${STATE\n", "1: image: a ${ without its }; write $${ for a literal ${"},
    {"bad_variable", "image: /${1}\n",
     "1: image: ${…} must hold a variable name (letters, digits, _); write $${ for a literal ${"},
};
INSTANTIATE_TEST_SUITE_P(top_level, Malformed, ::testing::ValuesIn(top_level), name_of_mistake);

const Mistake registries[] = {
    {"priority_is_word", two + "  priority: high\n", "4: registries[1].priority: expected a number, got \"high\""},
    {"priority_is_fraction", two + "  priority: 1.5\n", "4: registries[1].priority: expected a number, got \"1.5\""},
    {"offline_priority_is_word", "address: a.example\nofflinePriority: top\n",
     "2: offlinePriority: expected a number, got \"top\""},
    {"no_address", "registries:\n- priority: 1\n", "2: registries[0].address: is missing"},
    {"empty_address", "registries:\n- address: \"\"\n", "2: registries[0].address: is missing"},
    {"entry_is_text", "registries:\n- docker.io\n", "2: registries[0]: expected a block with address, got text"},
    {"entry_is_nothing", "registries:\n- ~\n", "2: registries[0]: expected a block with address, got nothing"},
    {"registries_is_block", "registries: {address: a.example}\n", "1: registries: expected a list, got a block"},
    {"user_in_address", "address: http://admin:passw0rd@a.example\n",
     "1: address: an address holds no user name and password; they belong under auth"},
    {"address_is_list", "address: [a.example]\n",
     "1: address: expected an address such as https://harbor.local, got a list"},
    {"match_is_block", one + "  match: {a: b}\n", "3: registries[0].match: expected a list, got a block"},
    {"match_entry_is_list", one + "  match: [[a]]\n", "3: registries[0].match[0]: expected text, got a list"},
    {"bad_namespace", one + "  namespaces: [Team_A]\n",
     "3: registries[0].namespaces[0]: expected a namespace such as team-a or team-*, got \"Team_A\""},
    {"bad_digest_fallback", one + "  digestFallback: yes\n",
     "3: registries[0].digestFallback: expected none or tag, got \"yes\""},
    {"rewrite_without_to", one + "  rewrite: [{from: a}]\n", "3: registries[0].rewrite[0].to: is missing"},
    {"rewrite_is_text", one + "  rewrite: [a]\n",
     "3: registries[0].rewrite[0]: expected a block with from and to, got text"},
    {"cert_without_key", one + "  tls: {cert: /c.pem}\n",
     "3: registries[0].tls.cert: a client certificate needs its key (tls.key)"},
    {"key_without_cert", one + "  tls: {key: /k.pem}\n",
     "3: registries[0].tls.key: a client key needs its certificate (tls.cert)"},
    {"relative_ca", "address: a.example\noffline: {tls: {ca: ca.pem}}\n",
     "2: offline.tls.ca: expected an absolute path, got \"ca.pem\""},
    {"offline_is_text", "address: a.example\noffline: true\n", "2: offline: expected a block of keys, got text"},
};
INSTANTIATE_TEST_SUITE_P(registries, Malformed, ::testing::ValuesIn(registries), name_of_mistake);

const std::string kExpectedAuth =
    "expected user:password, \"\" or a block with username and password, passwordFile or identityToken, got ";

const Mistake auths[] = {
    {"no_colon", "address: a.example\nauth: hunter2\n", "2: auth: " + kExpectedAuth + "text without a colon"},
    {"is_list", "address: a.example\nauth: [a, hunter2]\n", "2: auth: " + kExpectedAuth + "a list"},
    {"empty_user", "address: a.example\nauth: :hunter2\n", "2: auth: the user name before the colon is empty"},
    {"empty_password", "address: a.example\nauth: 'admin:'\n", "2: auth: the password after the colon is empty"},
    {"two_passwords", one + "  auth: {username: u, password: hunter2, passwordFile: /pw}\n",
     "3: registries[0].auth.passwordFile: password and passwordFile exclude each other"},
    {"token_and_password", one + "  auth: {username: u, password: hunter2, identityToken: t}\n",
     "3: registries[0].auth.identityToken: an identity token and a password exclude each other"},
    {"no_user", one + "  auth: {password: hunter2}\n", "3: registries[0].auth.username: is missing"},
    {"no_password", one + "  auth: {username: u}\n",
     "3: registries[0].auth.password: is missing (or passwordFile, or identityToken)"},
    {"colon_in_user", one + "  auth: {username: 'u:hunter2', password: p}\n",
     "3: registries[0].auth.username: a user name holds no colon (RFC 7617)"},
    {"password_is_list", one + "  auth: {username: u, password: [hunter2]}\n",
     "3: registries[0].auth.password: expected text, got a list"},
    {"password_is_block", one + "  auth: {username: u, password: {hunter2: x}}\n",
     "3: registries[0].auth.password: expected text, got a block"},
    {"password_in_file_key", one + "  auth: {username: u, passwordFile: hunter2}\n",
     "3: registries[0].auth.passwordFile: expected an absolute path, got a value that is not shown"},
    {"password_with_line_break", one + "  auth:\n    username: u\n    password: |\n      hunter2\nx-end: 1\n",
     "5: registries[0].auth.password: a control character or line break is not allowed"},
    {"unset_variable", "address: a.example\nauth: admin:${PASSWORD}\n",
     "2: auth: the environment variable PASSWORD is not set (${PASSWORD:-} allows that)"},
    {"repeated_password", one + "  auth: {username: u, password: hunter2, password: hunter2}\n",
     "3: registries[0].auth: the key \"password\" is already on line 3"},
    {"repeated_secret_key", one + "  auth: {username: u, password: p, hunter2: 1, hunter2: 2}\n",
     "3: registries[0].auth: the key is already on line 3"},
};
INSTANTIATE_TEST_SUITE_P(auth, Malformed, ::testing::ValuesIn(auths), name_of_mistake);

const Mistake others[] = {
    {"probe_timeout_zero", "probe: {timeout: 0}\n",
     "1: probe.timeout: expected a duration from 10ms to 1m0s, got \"0\""},
    {"hedge_delay_word", "probe: {hedgeDelay: soon}\n",
     "1: probe.hedgeDelay: expected a duration such as 15m, 1m30s or 500ms, got \"soon\""},
    {"failure_threshold_zero", "probe: {failureThreshold: 0}\n",
     "1: probe.failureThreshold: expected a number from 1 to 100, got \"0\""},
    {"cache_size_negative", "cache: {imageCacheSize: -1}\n",
     "1: cache.imageCacheSize: expected a number from 0 to 1000000, got \"-1\""},
    {"cache_size_huge", "cache: {imageCacheSize: 99999999999999999999}\n",
     "1: cache.imageCacheSize: expected a number from 0 to 1000000, got \"99999999999999999999\""},
    {"cache_ttl_zero", "cache: {imageCacheTTL: 0s}\n",
     "1: cache.imageCacheTTL: expected a duration from 1s to 720h0m0s, got \"0s\""},
    {"stats_interval", "cache: {statsLogInterval: 1ms}\n",
     "1: cache.statsLogInterval: expected a duration from 1s to 24h0m0s, or 0, got \"1ms\""},
    {"http_without_port", "http: {address: localhost}\n",
     "1: http.address: expected host:port such as 127.0.0.1:9731, got \"localhost\""},
    {"http_port", "http: {address: 'localhost:70000'}\n",
     "1: http.address: expected host:port such as 127.0.0.1:9731, got \"localhost:70000\""},
    {"docker_config_relative", "credentials: {dockerConfig: [config.json]}\n",
     "1: credentials.dockerConfig[0]: expected an absolute path, got \"config.json\""},
    {"plugins_half", "credentials: {kubeletPlugins: {config: /c.yaml}}\n",
     "1: credentials.kubeletPlugins: config and binDir are needed together"},
    {"config_map_enabled", "configMap: {enabled: sometimes}\n",
     "1: configMap.enabled: expected auto, true or false, got \"sometimes\""},
    {"config_map_name", "configMap: {name: a/b}\n",
     "1: configMap.name: expected a name (letters, digits, - _ .), got \"a/b\""},
};
INSTANTIATE_TEST_SUITE_P(other_blocks, Malformed, ::testing::ValuesIn(others), name_of_mistake);

TEST(Malformed, everything_is_said_at_once_and_by_line) {
  EXPECT_THAT(errors_of("timeout: x\nregistries:\n- priority: high\nfallback: no\n"),
              ElementsAre("f.yaml:1: timeout: expected a duration such as 15m, 1m30s or 500ms, got \"x\"",
                          "f.yaml:3: registries[0].address: is missing",
                          "f.yaml:3: registries[0].priority: expected a number, got \"high\"",
                          "f.yaml:4: fallback: expected upstream or deny, got \"no\""));
}

TEST(Malformed, parts_that_name_their_own_reason_are_placed) {
  const auto errors = errors_of(
      "registries:\n- address: 'a b'\n- address: c.example\n  match: ['a b']\n"
      "  rewrite: [{from: '(', to: x}]\n");
  ASSERT_EQ(errors.size(), 3u);
  EXPECT_THAT(errors[0], ::testing::StartsWith("f.yaml:2: registries[0].address: "));
  EXPECT_THAT(errors[1], ::testing::StartsWith("f.yaml:4: registries[1].match[0]: "));
  EXPECT_THAT(errors[2], ::testing::StartsWith("f.yaml:5: registries[1].rewrite[0].from: "));
}

TEST(Malformed, an_alias_bomb_is_refused_at_once) {
  std::string bomb = "x-0: &a0 [a, a, a, a, a, a, a, a, a, a]\n";
  for (int i = 1; i < 10; ++i) {
    bomb += "x-" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int j = 0; j < 10; ++j) bomb += (j > 0 ? ", *a" : "*a") + std::to_string(i - 1);
    bomb += "]\n";
  }
  EXPECT_THAT(errors_of(bomb), ElementsAre("f.yaml:5: more than 100000 values once aliases are expanded"));
}

TEST(Malformed, beyond_200_messages_only_their_number_is_said) {
  std::string text;
  for (int i = 0; i < 250; ++i) text += "key" + std::to_string(i) + ": 1\n";
  const ParseResult result = testing::parse_text(text + "force: maybe\n");
  EXPECT_FALSE(result.config.has_value());
  EXPECT_THAT(testing::lines_of(result, Severity::error),
              ElementsAre("f.yaml:251: force: expected true or false, got \"maybe\""));
  EXPECT_EQ(to_string(result.diagnostics.back()), "f.yaml:251: 51 more messages are left out");
}

TEST(Malformed, more_than_a_thousand_registries_are_refused) {
  std::string text = "registries:\n";
  for (int i = 0; i < 1001; ++i) text += "- address: r" + std::to_string(i) + ".example\n";
  EXPECT_THAT(errors_of(text), ElementsAre("f.yaml:1: registries: more than 1000 entries"));
}

}  // namespace
}  // namespace shim::config
