#include "runtimes/route.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "runtimes/testing.h"

namespace shim::runtimes {
namespace {

using ::testing::ElementsAre;
using testing::Folder;
using ::testing::HasSubstr;

RuntimeSettings containerd(Release release, RegistrySettings registries) {
  RuntimeSettings settings;
  settings.kind = Kind::containerd;
  settings.release = release;
  settings.registries = std::move(registries);
  return settings;
}

std::vector<std::string> urls(const Route& route) {
  std::vector<std::string> urls;
  for (const Endpoint& endpoint : route.endpoints) urls.push_back(endpoint.url());
  return urls;
}

std::string to(std::string_view url) {
  return "[host.\"" + std::string(url) + "\"]\n";
}

// ── By folders ───────────────────────────────────────────────────────────────────────────────────────────────────────

TEST(HostFolders, AreThePortWithUnderscoresThenTheNameThenTheDefault) {
  EXPECT_THAT(host_folders("/c", "h:5000"), ElementsAre("/c/h_5000_", "/c/h:5000", "/c/_default"));
  EXPECT_THAT(host_folders("/c", "docker.io"), ElementsAre("/c/docker.io", "/c/_default"));
}

TEST(FindRoute, TakesTheFirstFolderThatIsThere) {
  const Folder folder;
  const RuntimeSettings settings = containerd({1, 6}, {.config_path = folder.path()});
  folder.write("_default/hosts.toml", to("http://default"));
  EXPECT_EQ(find_route(settings, "h:5000").endpoints[0].url(), "http://default");
  EXPECT_EQ(find_route(settings, "h:5000").folder, "");
  folder.write("h:5000/hosts.toml", to("http://name"));
  EXPECT_EQ(find_route(settings, "h:5000").endpoints[0].url(), "http://name");
  folder.write("h_5000_/hosts.toml", to("http://underscores"));
  EXPECT_EQ(find_route(settings, "h:5000").endpoints[0].url(), "http://underscores");
  EXPECT_EQ(find_route(settings, "h:5000").folder, folder.path("h_5000_"));
}

TEST(FindRoute, LooksIntoEachFolderOfAConfigPathThatContainerdPullsWithItself) {
  const Folder folder;
  folder.write("second/h/hosts.toml", to("http://h"));
  RuntimeSettings settings = containerd({2, 1}, {.config_path = folder.path("first") + ":" + folder.path("second")});
  EXPECT_THAT(urls(find_route(settings, "h")), ElementsAre("http://h", "https://h"));
  settings.pulls_itself = false;  // the transfer service takes the list for one folder
  EXPECT_THAT(urls(find_route(settings, "h")), ElementsAre("https://h"));
}

TEST(FindRoute, EndsWithTheHostItselfWhereNoServerIsNamed) {
  const Folder folder;
  folder.write("docker.io/hosts.toml", to("https://mirror"));
  const RuntimeSettings settings = containerd({1, 6}, {.config_path = folder.path()});
  EXPECT_THAT(urls(find_route(settings, "docker.io")), ElementsAre("https://mirror", "https://registry-1.docker.io"));
}

TEST(FindRoute, HasTheCertificatesOfAFolderWithoutHostsToml) {
  const Folder folder;
  for (const char* name : {"h/ca.crt", "h/client.cert", "h/client.key", "h/readme"}) folder.write(name, "x");
  const Route route = find_route(containerd({1, 6}, {.config_path = folder.path()}), "h");
  ASSERT_THAT(urls(route), ElementsAre("https://h"));
  EXPECT_THAT(route.endpoints[0].ca, ElementsAre(folder.path("h/ca.crt")));
  EXPECT_THAT(route.endpoints[0].clients,
              ElementsAre(std::pair(folder.path("h/client.cert"), folder.path("h/client.key"))));
}

TEST(FindRoute, GoesOnWithoutAFileThatCannotBeUsedAndSaysWhy) {
  const Folder folder;
  const RuntimeSettings settings = containerd({1, 6}, {.config_path = folder.path()});
  folder.write("h/hosts.toml", "server =\n");
  EXPECT_THAT(find_route(settings, "h").problem, HasSubstr("hosts.toml: line 1"));
  EXPECT_THAT(urls(find_route(settings, "h")), ElementsAre("https://h"));
}

TEST(FindRoute, NeitherWaitsForNorReadsWhatIsNoFile) {
  const Folder folder;
  folder.write("h/x", "");
  ASSERT_EQ(::mkfifo(folder.path("h/hosts.toml").c_str(), 0600), 0);
  EXPECT_NE(find_route(containerd({1, 6}, {.config_path = folder.path()}), "h").problem, "");
}

// ── By defaults ──────────────────────────────────────────────────────────────────────────────────────────────────────

TEST(FindRoute, IsPlainHttpOnLoopbackOnly) {
  const RuntimeSettings settings = containerd({1, 6}, {.config_path = "/nowhere"});
  EXPECT_THAT(urls(find_route(settings, "10.0.0.5:5000")), ElementsAre("https://10.0.0.5:5000"));
  EXPECT_THAT(urls(find_route(settings, "127.0.0.1:5000")), ElementsAre("http://127.0.0.1:5000"));
}

TEST(FindRoute, TriesBothOnLoopbackWithContainerd2) {
  const RuntimeSettings settings = containerd({2, 1}, {.config_path = "/nowhere"});
  EXPECT_TRUE(find_route(settings, "localhost:5000").endpoints[0].tries_both);
  EXPECT_THAT(urls(find_route(settings, "localhost:443")), ElementsAre("https://localhost:443"));
}

// ── By mirrors ───────────────────────────────────────────────────────────────────────────────────────────────────────

TEST(FindRoute, OfTheOldStyleIsTheMirrorsAndThenTheHost) {
  const RuntimeSettings settings = containerd({1, 6}, {.mirrors = {{"docker.io", {"http://m:5000", "n.local"}}}});
  EXPECT_THAT(urls(find_route(settings, "docker.io")),
              ElementsAre("http://m:5000", "https://n.local", "https://registry-1.docker.io"));
  EXPECT_THAT(urls(find_route(settings, "ghcr.io")), ElementsAre("https://ghcr.io"));
}

TEST(FindRoute, OfTheOldStyleHasNoOtherWhereTheHostIsAMirrorOfItself) {
  const RuntimeSettings settings = containerd({1, 6}, {.mirrors = {{"h:5000", {"http://h:5000"}}}});
  EXPECT_THAT(urls(find_route(settings, "h:5000")), ElementsAre("http://h:5000"));
}

TEST(FindRoute, OfTheOldStyleTakesTheStarForOtherHosts) {
  const RuntimeSettings settings = containerd({1, 6}, {.mirrors = {{"*", {"https://m"}}}});
  EXPECT_THAT(urls(find_route(settings, "h")), ElementsAre("https://m", "https://h"));
}

TEST(FindRoute, OfTheOldStyleHasItsTlsWithContainerd1Alone) {
  const RegistrySettings registries{.mirrors = {{"h", {"https://h"}}}, .tls = {{"h", {.ca = "/ca"}}}};
  EXPECT_THAT(find_route(containerd({1, 7}, registries), "h").endpoints[0].ca, ElementsAre("/ca"));
  EXPECT_TRUE(find_route(containerd({2, 0}, registries), "h").endpoints[0].ca.empty());
}

TEST(IsSameHost, WithTheDefaultPortWrittenOrNot) {
  EXPECT_TRUE(is_same_host("h", "h:443", true));
  EXPECT_TRUE(is_same_host("h:80", "h", false));
  EXPECT_FALSE(is_same_host("h", "h:443", false));
  EXPECT_FALSE(is_same_host("h", "g", true));
}

}  // namespace
}  // namespace shim::runtimes
