#include "kubernetes/kubeconfig.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "kubernetes/exec_credential.h"
#include "kubernetes/kubeconfig_testing.h"

namespace shim::kubernetes {
namespace {

using nlohmann::json;
using test::base64;
using test::kubeconfig;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::Pair;

Expected<Identity> identity_of(const std::string& text, const std::string& file = "/etc/k/c.conf") {
  const auto parsed = Kubeconfig::parse(text, file);
  if (!parsed) return std::unexpected(parsed.error());
  return parsed->identity();
}
// Or the empty string where there is none; a secret in it is a failure.
std::string error_of(const std::string& text) {
  const auto identity = identity_of(text);
  if (identity) return "";
  EXPECT_THAT(identity.error().message, Not(HasSubstr("SENTINEL")));
  EXPECT_EQ(identity.error().message.find('\n'), std::string::npos);
  return identity.error().message;
}
std::string error_of_user(const std::string& user) {
  return error_of(kubeconfig(user));
}
std::string error_of_cluster(const std::string& cluster) {
  return error_of(kubeconfig("{token: SENTINEL}", cluster));
}
User user_of(const std::string& user) {
  const auto identity = identity_of(kubeconfig(user));
  EXPECT_TRUE(identity) << identity.error().message;
  return identity ? identity->user : User();
}
Cluster cluster_of(const std::string& cluster) {
  const auto identity = identity_of(kubeconfig("{}", cluster));
  EXPECT_TRUE(identity) << identity.error().message;
  return identity ? identity->cluster : Cluster();
}
std::string exec(const std::string& more = "interactiveMode: Never") {
  return "{exec: {apiVersion: client.authentication.k8s.io/v1, command: aws, " + more + "}}";
}

TEST(Kubeconfig, GivesTheClusterAndUserOfItsCurrentContext) {
  const auto identity = identity_of(R"(
apiVersion: v1
kind: Config
preferences: {}
current-context: second
clusters:
- {name: a, cluster: {server: 'https://a:6443'}}
- {name: b, cluster: {server: 'https://b:6443'}}
users:
- {name: ua, user: {token: ta}}
- {name: ub, user: {token: tb}}
contexts:
- {name: first, context: {cluster: a, user: ua}}
- {name: second, context: {cluster: b, user: ub, namespace: default}}
)");
  ASSERT_TRUE(identity) << identity.error().message;
  EXPECT_EQ(identity->cluster.server, "https://b:6443");
  EXPECT_EQ(identity->user.token.reveal(), "tb");
  EXPECT_EQ(identity->name, "/etc/k/c.conf (user ub)");
}

TEST(Kubeconfig, MayBeJsonWithTabs) {
  const auto identity = identity_of(
      "{\n\t\"current-context\":\"x\",\n\t\"contexts\":[{\"name\":\"x\",\"context\":{\"cluster\":\"c\"}}],\n"
      "\t\"clusters\":[\t{\"name\":\"c\",\"cluster\":{\"server\":\"https:\\/\\/a:6443\"}}]\n}\n");
  ASSERT_TRUE(identity) << identity.error().message;
  EXPECT_EQ(identity->cluster.server, "https://a:6443");
  EXPECT_EQ(identity->name, "/etc/k/c.conf (no user)");
}

TEST(Kubeconfig, HasEveryKindOfCredential) {
  EXPECT_EQ(user_of("{token: T}").token.reveal(), "T");
  EXPECT_EQ(user_of("{tokenFile: /t}").token_file, "/t");
  const User basic = user_of("{username: u, password: 'p:q'}");
  EXPECT_EQ(basic.username + " " + std::string(basic.password.reveal()), "u p:q");
  const User files = user_of("{client-certificate: /c, client-key: /k}");
  EXPECT_EQ(files.certificate.file + files.key.file, "/c/k");
  const User data = user_of("{client-certificate-data: " + base64(test::certificate()) +
                            ", client-key-data: " + base64(test::private_key()) + "}");
  EXPECT_EQ(data.certificate.content.reveal(), test::certificate());
  EXPECT_EQ(data.key.content.reveal(), test::private_key());
}

TEST(Kubeconfig, HasWhatAClusterIsReachedWith) {
  const Cluster cluster = cluster_of(
      "{server: 'https://lb.test/k8s/clusters/c-1/', tls-server-name: kubernetes, proxy-url: 'socks5://p:1080', "
      "certificate-authority-data: " +
      base64(test::certificate()) + "}");
  EXPECT_EQ(cluster.server, "https://lb.test/k8s/clusters/c-1");
  EXPECT_EQ(cluster.tls_server_name, "kubernetes");
  EXPECT_EQ(cluster.proxy_url, "socks5://p:1080");
  EXPECT_EQ(cluster.ca.content.reveal(), test::certificate());
  EXPECT_TRUE(cluster_of("{server: 'https://a', insecure-skip-tls-verify: true}").insecure_skip_tls_verify);
  EXPECT_TRUE(cluster_of("{server: 'HTTPS://a:1/?x#y'}").is_secure());
  EXPECT_EQ(cluster_of("{server: 'https://[fd00::1]:6443'}").server, "https://[fd00::1]:6443");
}

TEST(Kubeconfig, TakesBase64InSeveralLines) {
  std::string encoded = base64(test::certificate());
  encoded.insert(20, "\n      ");
  const Cluster cluster = cluster_of("\n    server: https://a\n    certificate-authority-data: |\n      " + encoded);
  EXPECT_EQ(cluster.ca.content.reveal(), test::certificate());
}

TEST(Kubeconfig, ResolvesPathsAgainstItsFolder) {
  const auto identity = identity_of(kubeconfig("{client-certificate: pki/c.pem, client-key: ../k.pem, tokenFile: ./t}",
                                               "{server: 'https://a', certificate-authority: ca.crt}"),
                                    "/home/u/.kube/config");
  ASSERT_TRUE(identity) << identity.error().message;
  EXPECT_EQ(identity->cluster.ca.file, "/home/u/.kube/ca.crt");
  EXPECT_EQ(identity->user.certificate.file, "/home/u/.kube/pki/c.pem");
  EXPECT_EQ(identity->user.key.file, "/home/u/k.pem");
  EXPECT_EQ(identity->user.token_file, "/home/u/.kube/t");
}

TEST(Kubeconfig, ResolvesAnExecPluginOnlyWhereItIsAPath) {
  EXPECT_EQ(user_of(exec()).exec->command, "aws");
  EXPECT_EQ(user_of("{exec: {apiVersion: client.authentication.k8s.io/v1, command: bin/aws, interactiveMode: Never}}")
                .exec->command,
            "/etc/k/bin/aws");
}

TEST(Kubeconfig, HasEverythingOfAnExecPlugin) {
  const User user = user_of(
      exec("args: [eks, get-token, 7], env: [{name: AWS_PROFILE, value: 'a\nb'}], interactiveMode: IfAvailable, "
           "installHint: 'apt install', provideClusterInfo: true"));
  ASSERT_TRUE(user.exec);
  EXPECT_THAT(user.exec->arguments, ElementsAre("eks", "get-token", "7"));
  EXPECT_THAT(user.exec->environment, ElementsAre(Pair("AWS_PROFILE", "a b")));
  EXPECT_EQ(user.exec->install_hint, "apt install");
  EXPECT_TRUE(user.exec->provide_cluster_info);
  EXPECT_TRUE(user.needs_exec());
}

TEST(Kubeconfig, RunsAnExecPluginOnlyWhereNothingElseIsGiven) {
  const std::string exec_key = exec().substr(1, exec().size() - 2);
  EXPECT_FALSE(user_of("{token: T, " + exec_key + "}").needs_exec());
  EXPECT_FALSE(user_of("{tokenFile: /t, " + exec_key + "}").needs_exec());
  EXPECT_FALSE(user_of("{username: u, " + exec_key + "}").needs_exec());
  EXPECT_FALSE(user_of("{client-certificate: /c, client-key: /k, " + exec_key + "}").needs_exec());
}

TEST(Kubeconfig, AsksAnOldExecPluginWithoutItsMode) {
  EXPECT_TRUE(user_of("{exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: aws}}").exec);
}

TEST(Kubeconfig, HandsOnWhatItHasForExecPlugins) {
  const Cluster cluster = cluster_of(
      "{server: 'https://a', extensions: [{name: other, extension: {a: 1}}, "
      "{name: client.authentication.k8s.io/exec, extension: {audience: 06e3fbd18de8, n: 5, text: '5', on: true, "
      "off: \"true\", f: 1.5, none: ~, list: [a, {b: -2}]}}]}");
  EXPECT_EQ(json::parse(cluster.exec_config), json::parse(R"({"audience":"06e3fbd18de8","n":5,"text":"5","on":true,
      "off":"true","f":1.5,"none":null,"list":["a",{"b":-2}]})"));
}

TEST(Kubeconfig, HasWhomToActAs) {
  const Impersonation as =
      user_of("{token: T, as: jane, as-uid: '7', as-groups: [dev, ops], as-user-extra: {scopes: [view], x/y: [z]}}")
          .impersonation;
  EXPECT_EQ(as.user + as.uid, "jane7");
  EXPECT_THAT(as.groups, ElementsAre("dev", "ops"));
  EXPECT_THAT(as.extra, ElementsAre(Pair("scopes", ElementsAre("view")), Pair("x/y", ElementsAre("z"))));
}

TEST(Kubeconfig, LeavesUnknownKeysAlone) {
  EXPECT_EQ(error_of("new-key: 1\n" + kubeconfig("{token: T, new-key: {a: b}}", "{server: 'https://a', x: [1]}")), "");
}

TEST(Kubeconfig, IsNotHarmedByAnEntryThatNobodyUses) {
  EXPECT_EQ(error_of(kubeconfig("{token: T}") + "- {name: old, user: {auth-provider: {name: gcp}, token: [x]}}\n"), "");
}

TEST(Kubeconfig, LetsTheFirstFileWin) {
  auto first = Kubeconfig::parse("users: [{name: u, user: {token: first}}]", "/a/config");
  auto second = Kubeconfig::parse(kubeconfig("{token: second, as: jane}", "{server: 'https://second'}"), "/b/config");
  auto third = Kubeconfig::parse("current-context: y\nclusters: [{name: c, cluster: {server: 'https://third'}}]", "/c");
  first->merge(std::move(*second));
  first->merge(std::move(*third));
  const auto identity = first->identity();
  ASSERT_TRUE(identity) << identity.error().message;
  EXPECT_EQ(identity->user.token.reveal(), "first");
  EXPECT_EQ(identity->user.impersonation.user, "") << "entries are not mixed";
  EXPECT_EQ(identity->cluster.server, "https://second");
}

TEST(KubeconfigError, NamesTheFileTheLineAndTheKey) {
  EXPECT_EQ(error_of_user("\n    client-key-data: '*SENTINEL*'\n    client-certificate-data: 'SENTINEL='"),
            "/etc/k/c.conf:12: users[0].user.client-key-data: is not base64; "
            "/etc/k/c.conf:13: users[0].user.client-certificate-data: is not base64");
}

TEST(KubeconfigError, IsAContextThatIsMissing) {
  EXPECT_EQ(error_of(""), "/etc/k/c.conf: current-context: is not set");
  EXPECT_EQ(error_of("{}"), "/etc/k/c.conf: current-context: is not set");
  EXPECT_EQ(error_of("current-context: x"), "/etc/k/c.conf: current-context: there is no context \"x\"");
  EXPECT_EQ(error_of("current-context: x\ncontexts:\n- {name: x, context: {user: u}}"),
            "/etc/k/c.conf:3: contexts[0].context.cluster: is missing");
  EXPECT_EQ(error_of("current-context: x\ncontexts:\n- {name: x, context: {cluster: c}}"),
            "/etc/k/c.conf:3: contexts[0].context.cluster: there is no cluster \"c\"");
  EXPECT_EQ(error_of("current-context: x\ncontexts:\n- {name: x, context: {cluster: c, user: u}}\n"
                     "clusters: [{name: c, cluster: {server: 'https://a'}}]"),
            "/etc/k/c.conf:3: contexts[0].context.user: there is no user \"u\"");
}

TEST(KubeconfigError, IsAFileThatIsNone) {
  EXPECT_THAT(error_of("SENTINEL"), HasSubstr("expected a block of keys, got text"));
  EXPECT_THAT(error_of("users: {SENTINEL: b}"), HasSubstr("users: expected a list, got a block"));
  EXPECT_THAT(error_of("users: [SENTINEL]"), HasSubstr("users[0]: expected a block of keys, got text"));
  EXPECT_THAT(error_of("a: 'SENTINEL"), HasSubstr("a quote that is never closed"));
  EXPECT_THAT(error_of("kind: Pod"), HasSubstr("kind: expected Config, got \"Pod\": no kubeconfig"));
  EXPECT_THAT(error_of("apiVersion: v2"), HasSubstr("apiVersion: expected v1, got \"v2\""));
  EXPECT_THAT(error_of("current-context: [SENTINEL]"), HasSubstr("current-context: expected text, got a list"));
  EXPECT_THAT(error_of(std::string("a\0b", 3)), HasSubstr("NUL"));
}

TEST(KubeconfigError, IsANameThatStandsTwice) {
  EXPECT_THAT(error_of(kubeconfig("{token: SENTINEL}") + "- {name: u, user: {token: SENTINEL}}\n"),
              HasSubstr("users[1].name: \"u\" stands twice in this list"));
}

TEST(KubeconfigError, IsAServerThatIsNoUrl) {
  EXPECT_THAT(error_of_cluster("{}"), HasSubstr("clusters[0].cluster.server: is missing"));
  EXPECT_THAT(error_of_cluster("{server: 'api.test:6443'}"),
              HasSubstr("clusters[0].cluster.server: expected a URL such as https://10.0.0.1:6443: "));
  EXPECT_THAT(error_of_cluster("{server: 'https://u:SENTINEL@a'}"), HasSubstr("user name or password"));
  EXPECT_THAT(error_of_cluster("{server: 'ftp://SENTINEL'}"), HasSubstr("neither http nor https"));
}

TEST(KubeconfigError, IsAProxyOfAnUnknownKind) {
  EXPECT_THAT(error_of_cluster("{server: 'https://a', proxy-url: 'ftp://u:SENTINEL@p'}"),
              HasSubstr("clusters[0].cluster.proxy-url: expected a URL of http, https or socks5"));
  EXPECT_THAT(error_of_cluster("{server: 'https://a', proxy-url: 'SENTINEL:3128'}"), HasSubstr("proxy-url: expected"));
}

TEST(KubeconfigError, IsTrustThatContradictsItself) {
  EXPECT_THAT(error_of_cluster("{server: 'https://a', certificate-authority: /ca, certificate-authority-data: " +
                               base64(test::certificate()) + "}"),
              HasSubstr("certificate-authority: and certificate-authority-data are both set"));
  EXPECT_THAT(error_of_cluster("{server: 'https://a', certificate-authority: /ca, insecure-skip-tls-verify: true}"),
              HasSubstr("insecure-skip-tls-verify: does not go together with a certificate-authority"));
  EXPECT_THAT(error_of_cluster("{server: 'https://a', certificate-authority-data: " + base64("SENTINEL") + "}"),
              HasSubstr("certificate-authority-data: holds no certificate in PEM"));
  EXPECT_THAT(error_of_cluster("{server: 'https://a', insecure-skip-tls-verify: maybe}"),
              HasSubstr("insecure-skip-tls-verify: expected true or false"));
}

TEST(KubeconfigError, IsACertificateWithoutItsKeyOrWithTwo) {
  const std::string certificate = base64(test::certificate());
  const std::string key = base64(test::private_key());
  EXPECT_THAT(error_of_user("{client-certificate: /c}"),
              HasSubstr("users[0].user.client-certificate: needs client-key or client-key-data beside it"));
  EXPECT_THAT(error_of_user("{client-key-data: " + key + "}"),
              HasSubstr("client-key-data: needs client-certificate or client-certificate-data beside it"));
  EXPECT_THAT(error_of_user("{client-certificate: /c, client-certificate-data: " + certificate + ", client-key: /k}"),
              HasSubstr("client-certificate: and client-certificate-data are both set"));
  EXPECT_THAT(error_of_user("{client-certificate: /c, client-key: /k, client-key-data: " + key + "}"),
              HasSubstr("client-key: and client-key-data are both set"));
  EXPECT_THAT(error_of_user("{client-certificate: /c, client-key-data: " + base64("SENTINEL") + "}"),
              HasSubstr("client-key-data: holds no private key in PEM"));
}

TEST(KubeconfigError, IsMoreThanOneWayToSayWhoAsks) {
  EXPECT_THAT(error_of_user("{token: SENTINEL, username: u}"), HasSubstr("token: and username are both set"));
  EXPECT_THAT(error_of_user("{tokenFile: /t, password: SENTINEL}"), HasSubstr("tokenFile: and username are both set"));
  EXPECT_THAT(error_of_user("{token: 'SENTINEL with space'}"), HasSubstr("token: holds a character that no token has"));
  EXPECT_THAT(error_of_user("{token: \"SENTINEL\\nX: y\"}"), HasSubstr("token: a control character"));
}

TEST(KubeconfigError, IsAnAuthProvider) {
  EXPECT_THAT(error_of_user("{auth-provider: {name: gcp, config: {access-token: SENTINEL}}}"),
              AllOf(HasSubstr("users[0].user.auth-provider: \"gcp\" is not supported"), HasSubstr("exec plugin")));
}

TEST(KubeconfigError, IsActingAsNobody) {
  for (const std::string key : {"as-uid: '7'", "as-groups: [a]", "as-user-extra: {a: [b]}"}) {
    EXPECT_THAT(error_of_user("{token: SENTINEL, " + key + "}"), HasSubstr("needs `as`, the user to act as")) << key;
  }
  EXPECT_THAT(error_of_user("{as: \"a\\r\\nX: y\"}"), HasSubstr("as: a control character"));
  EXPECT_THAT(error_of_user("{as: a, as-groups: [\"a\\nX: y\"]}"), HasSubstr("as-groups: holds a control character"));
  EXPECT_THAT(error_of_user("{as: a, as-user-extra: {b: [\"a\\nX: y\"]}}"),
              HasSubstr("as-user-extra: holds a control character"));
}

TEST(KubeconfigError, IsAnExecPluginThatCannotBeRun) {
  const auto error_of_exec = [](const std::string& block) { return error_of_user("{exec: {" + block + "}}"); };
  const std::string version = "apiVersion: client.authentication.k8s.io/v1, ";
  EXPECT_THAT(error_of_exec(version + "interactiveMode: Never"), HasSubstr("users[0].user.exec.command: is missing"));
  EXPECT_THAT(error_of_exec("command: a"), HasSubstr("exec.apiVersion: expected client.authentication.k8s.io/v1 or "));
  EXPECT_THAT(error_of_exec("command: a, apiVersion: client.authentication.k8s.io/v1alpha1"), HasSubstr("v1alpha1"));
  EXPECT_THAT(error_of_exec(version + "command: a, interactiveMode: Always"),
              HasSubstr("exec.interactiveMode: is Always: this plugin needs somebody at a terminal"));
  EXPECT_THAT(error_of_exec(version + "command: a"),
              HasSubstr("exec.interactiveMode: expected Never or IfAvailable, got \"\""));
  EXPECT_THAT(error_of_exec(version + "command: a, interactiveMode: Never, env: [{value: SENTINEL}]"),
              HasSubstr("exec.env[0].name: expected the name of a variable"));
  EXPECT_THAT(error_of_exec(version + "command: a, interactiveMode: Never, args: {SENTINEL: b}"),
              HasSubstr("exec.args: expected a list, got a block"));
}

}  // namespace
}  // namespace shim::kubernetes
