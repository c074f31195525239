#include "runtimes/containerd_advice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtimes/testing.h"

namespace shim::runtimes {
namespace {

using ::testing::AllOf;
using testing::Folder;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using testing::registry;
using Kind = Advice::Kind;

RuntimeSettings containerd(Release release, RegistrySettings registries) {
  RuntimeSettings settings;
  settings.kind = runtimes::Kind::containerd;
  settings.release = release;
  settings.file = "/etc/containerd/config.toml";
  settings.file_version = release.major >= 2 ? 3 : 2;
  settings.registries = std::move(registries);
  return settings;
}

RuntimeSettings with_folder(const Folder& folder) {
  return containerd({1, 6}, {.config_path = folder.path()});
}

// ── Plain HTTP ───────────────────────────────────────────────────────────────────────────────────────────────────────

TEST(ContainerdAdvice, PlainHttpBeyondLoopbackNeedsAHostsFile) {
  const Folder folder;
  const Advice advice = advise_containerd(with_folder(folder), registry("http://sealos.hub:5000"));
  EXPECT_EQ(advice.kind, Kind::fails);
  EXPECT_EQ(advice.what, "containerd asks it over https: " + folder.path() + " has no hosts.toml for sealos.hub:5000");
  EXPECT_EQ(advice.hint, "write " + folder.path() +
                             "/sealos.hub:5000/hosts.toml:\n"
                             "  server = \"http://sealos.hub:5000\"\n"
                             "\n"
                             "  [host.\"http://sealos.hub:5000\"]\n"
                             "    capabilities = [\"pull\", \"resolve\"]\n"
                             "containerd reads it at each pull: no restart is needed");
}

TEST(ContainerdAdvice, PlainHttpOnLoopbackNeedsNothing) {
  for (const Release release : {Release{1, 6}, Release{2, 1}}) {
    const RuntimeSettings settings = containerd(release, {});
    EXPECT_EQ(advise_containerd(settings, registry("http://127.0.0.1:5000")).kind, Kind::works);
    EXPECT_EQ(advise_containerd(settings, registry("localhost:5000")).kind, Kind::works);
  }
}

TEST(ContainerdAdvice, PlainHttpWorksOnceTheFileSaysSo) {
  const Folder folder;
  folder.write("sealos.hub_5000_/hosts.toml", "[host.\"http://sealos.hub:5000\"]\n");
  EXPECT_EQ(advise_containerd(with_folder(folder), registry("http://sealos.hub:5000")).kind, Kind::works);
}

TEST(ContainerdAdvice, WithoutAConfigPathIsToSetOneInTheFilesOwnSpelling) {
  const Advice one = advise_containerd(containerd({1, 6}, {}), registry("http://h:5000"));
  EXPECT_EQ(one.kind, Kind::fails);
  EXPECT_THAT(one.hint, AllOf(HasSubstr("write /etc/containerd/certs.d/h:5000/hosts.toml:\n"),
                              HasSubstr("set in /etc/containerd/config.toml:\n"
                                        "  [plugins.\"io.containerd.grpc.v1.cri\".registry]\n"
                                        "    config_path = \"/etc/containerd/certs.d\"\n"
                                        "then: systemctl restart containerd")));
  const Advice two = advise_containerd(containerd({2, 1}, {}), registry("http://h:5000"));
  EXPECT_THAT(two.hint, HasSubstr("  [plugins.\"io.containerd.cri.v1.images\".registry]\n"));
}

TEST(ContainerdAdvice, StaysInTheOldStyleWhereMirrorsRuleOutAConfigPath) {
  const RegistrySettings registries{.mirrors = {{"docker.io", {"https://m"}}}};
  const Advice advice = advise_containerd(containerd({1, 6}, registries), registry("http://h:5000"));
  EXPECT_EQ(advice.kind, Kind::fails);
  EXPECT_THAT(advice.hint, AllOf(HasSubstr("registry.mirrors.\"h:5000\"]\n    endpoint = [\"http://h:5000\"]"),
                                 Not(HasSubstr("hosts.toml"))));
}

TEST(ContainerdAdvice, KnowsThatContainerd14HasTheOldStyleAlone) {
  const Advice advice = advise_containerd(containerd({1, 4}, {}), registry("http://h:5000"));
  EXPECT_EQ(advice.kind, Kind::fails);
  EXPECT_THAT(advice.hint, AllOf(HasSubstr("registry.mirrors.\"h:5000\"]"), Not(HasSubstr("config_path"))));
}

TEST(ContainerdAdvice, OfContainerd2SaysThatItTakesAListOfFoldersForOne) {
  RuntimeSettings settings = containerd({2, 4}, {.config_path = "/etc/containerd/certs.d:/etc/docker/certs.d"});
  settings.pulls_itself = false;
  const Advice advice = advise_containerd(settings, registry("http://h:5000"));
  EXPECT_EQ(advice.kind, Kind::fails);
  EXPECT_THAT(advice.what, HasSubstr("for one folder"));
  EXPECT_THAT(advice.hint, AllOf(HasSubstr("write /etc/containerd/certs.d/h:5000/hosts.toml:"),
                                 HasSubstr("config_path = \"/etc/containerd/certs.d\"\n")));
}

// ── TLS ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

TEST(ContainerdAdvice, PublicTlsNeedsNothing) {
  EXPECT_EQ(advise_containerd(containerd({1, 6}, {}), registry("https://ghcr.io")).kind, Kind::works);
  EXPECT_EQ(advise_containerd(containerd({1, 6}, {}), registry("docker.io")).kind, Kind::works);
}

TEST(ContainerdAdvice, PrivateAuthorityHasToBeInTheHostsFile) {
  const Folder folder;
  Registry harbor = registry("https://harbor.local", {.ca = "/etc/ssl/harbor.pem"});
  harbor.is_trusted_without = false;
  const Advice advice = advise_containerd(with_folder(folder), harbor);
  EXPECT_EQ(advice.kind, Kind::fails);
  EXPECT_THAT(advice.what, HasSubstr("containerd has no authority (ca) for it"));
  EXPECT_THAT(advice.hint, HasSubstr("    ca = \"/etc/ssl/harbor.pem\"\n"));
}

TEST(ContainerdAdvice, PrivateAuthorityIsUnsureWhereTheRegistryDidNotAnswer) {
  const Folder folder;
  EXPECT_EQ(advise_containerd(with_folder(folder), registry("https://h", {.ca = "/ca"})).kind, Kind::unsure);
}

TEST(ContainerdAdvice, AuthorityThatTheSystemKnowsNeedsNothing) {
  const Folder folder;
  Registry harbor = registry("https://harbor.local", {.ca = "/etc/ssl/harbor.pem"});
  harbor.is_trusted_without = true;
  EXPECT_EQ(advise_containerd(with_folder(folder), harbor).kind, Kind::works);
}

TEST(ContainerdAdvice, AuthorityInDockersLayoutIsEnough) {
  const Folder folder;
  folder.write("harbor.local/harbor.crt", "x");
  EXPECT_EQ(advise_containerd(with_folder(folder), registry("https://harbor.local", {.ca = "/ca"})).kind, Kind::works);
}

TEST(ContainerdAdvice, ClientCertificateIsNeededWhateverIsTrusted) {
  const Folder folder;
  Registry harbor = registry("https://h", {.cert = "/c.pem", .key = "/k.pem"});
  harbor.is_trusted_without = true;
  const Advice advice = advise_containerd(with_folder(folder), harbor);
  EXPECT_EQ(advice.kind, Kind::fails);
  EXPECT_THAT(advice.hint, HasSubstr("client = [[\"/c.pem\", \"/k.pem\"]]"));
}

TEST(ContainerdAdvice, UnverifiedTlsHasToBeAllowed) {
  const Folder folder;
  Registry harbor = registry("https://h:8443", {.insecure_skip_verify = true});
  harbor.is_trusted_without = false;
  EXPECT_THAT(advise_containerd(with_folder(folder), harbor).hint, HasSubstr("skip_verify = true"));
  folder.write("h:8443/hosts.toml", "[host.\"https://h:8443\"]\nskip_verify = true\n");
  EXPECT_EQ(advise_containerd(with_folder(folder), harbor).kind, Kind::works);
}

TEST(ContainerdAdvice, TlsOnLoopbackIsPlainHttpForContainerd1) {
  const Folder folder;
  const Advice advice = advise_containerd(with_folder(folder), registry("https://127.0.0.1:5000", {.ca = "/ca"}));
  EXPECT_EQ(advice.kind, Kind::fails);
  EXPECT_THAT(advice.what, HasSubstr("containerd asks it over plain http"));
}

// ── Elsewhere ────────────────────────────────────────────────────────────────────────────────────────────────────────

TEST(ContainerdAdvice, SaysWhereAMirrorComesBeforeTheRegistry) {
  const Folder folder;
  folder.write("harbor.local/hosts.toml", "[host.\"https://mirror.local\"]\n");
  const Advice advice = advise_containerd(with_folder(folder), registry("https://harbor.local/proxy"));
  EXPECT_EQ(advice.kind, Kind::unsure);
  EXPECT_THAT(advice.what, HasSubstr("containerd asks https://mirror.local first"));
}

TEST(ContainerdAdvice, SaysWhereTheRegistryIsNotAskedAtAll) {
  const Folder folder;
  folder.write("harbor.local/hosts.toml", "server = \"https://a.local\"\n[host.\"https://a.local\"]\n");
  const Advice advice = advise_containerd(with_folder(folder), registry("https://harbor.local"));
  EXPECT_EQ(advice.kind, Kind::unsure);
  EXPECT_THAT(advice.what, HasSubstr("asks https://a.local instead"));
}

TEST(ContainerdAdvice, PassesOverAHostThatOnlyTakesPushes) {
  const Folder folder;
  folder.write("h.local/hosts.toml", "[host.\"https://push.local\"]\ncapabilities = [\"push\"]\n");
  EXPECT_EQ(advise_containerd(with_folder(folder), registry("https://h.local")).kind, Kind::works);
}

TEST(ContainerdAdvice, NamesAFileThatContainerdCannotUse) {
  const Folder folder;
  folder.write("h.local/hosts.toml", "server = \n");
  const Advice advice = advise_containerd(with_folder(folder), registry("https://h.local"));
  EXPECT_EQ(advice.kind, Kind::unsure);
  EXPECT_THAT(advice.what, HasSubstr("h.local/hosts.toml: line 1"));
}

TEST(ContainerdAdvice, IsAHintWhereItsSettingsCannotBeSeen) {
  RuntimeSettings settings = containerd({2, 1}, {});
  settings.registries.reset();
  settings.problem = "/etc/containerd/config.toml: permission denied";
  const Advice advice = advise_containerd(settings, registry("http://h:5000"));
  EXPECT_EQ(advice.kind, Kind::unsure);
  EXPECT_THAT(advice.what, HasSubstr("permission denied"));
  EXPECT_THAT(advice.hint, HasSubstr("hosts.toml:"));
  EXPECT_THAT(advise_containerd(settings, registry("https://ghcr.io")).what, IsEmpty());
}

TEST(ContainerdSandboxSetting, IsTheLineOfTheFilesVersion) {
  EXPECT_EQ(containerd_sandbox_setting(containerd({1, 6}, {}), "h:5000/pause:3.6"),
            "set in /etc/containerd/config.toml:\n"
            "  [plugins.\"io.containerd.grpc.v1.cri\"]\n"
            "    sandbox_image = \"h:5000/pause:3.6\"\n"
            "then: systemctl restart containerd");
  EXPECT_THAT(containerd_sandbox_setting(containerd({2, 1}, {}), "h/p:1"),
              HasSubstr("  [plugins.\"io.containerd.cri.v1.images\".pinned_images]\n    sandbox = \"h/p:1\"\n"));
}

}  // namespace
}  // namespace shim::runtimes
