#include "runtimes/hosts_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace shim::runtimes {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

constexpr Release kOne{1, 6};
constexpr Release kTwo{2, 1};

std::vector<Endpoint> read(std::string_view text, Release release = kOne) {
  auto endpoints = read_hosts_file(text, "/certs/h", release);
  EXPECT_TRUE(endpoints) << endpoints.error().message;
  return endpoints.value_or(std::vector<Endpoint>());
}

TEST(HostsFile, HasItsHostsInTheOrderOfTheFileAndTheServerLast) {
  const auto endpoints = read(R"(server = "https://last"
[host."https://z.local"]
[host."http://a.local:5000/v2"]
)");
  ASSERT_EQ(endpoints.size(), 3U);
  EXPECT_EQ(endpoints[0].url(), "https://z.local");
  EXPECT_EQ(endpoints[1].url(), "http://a.local:5000");
  EXPECT_EQ(endpoints[2].url(), "https://last");
}

TEST(HostsFile, WithoutASchemeIsHttps) {
  EXPECT_EQ(read("server = 'plain.local'\n[host.'other.local']\n")[0].url(), "https://other.local");
}

TEST(HostsFile, WithoutAServerLeavesItsHostEmpty) {
  EXPECT_EQ(read("[host.'https://a']\n").back().host, "");
}

TEST(HostsFile, HasCertificatesRelativeToItsFolder) {
  const Endpoint endpoint = read(R"([host."https://a"]
  ca = ["/etc/ca.pem", "own.pem"]
  client = [["client.pem", "/etc/key.pem"]]
  skip_verify = true
)")[0];
  EXPECT_THAT(endpoint.ca, ElementsAre("/etc/ca.pem", "/certs/h/own.pem"));
  EXPECT_THAT(endpoint.clients, ElementsAre(Pair("/certs/h/client.pem", "/etc/key.pem")));
  EXPECT_TRUE(endpoint.skips_verification);
}

TEST(HostsFile, TakesOneFileForCertificateAndKey) {
  EXPECT_THAT(read("[host.'https://a']\nclient = '/both.pem'\n")[0].clients, ElementsAre(Pair("/both.pem", "")));
}

TEST(HostsFile, IsPulledFromWithPullAndResolveOnly) {
  EXPECT_TRUE(read("[host.'https://a']\n")[0].can_pull);
  EXPECT_TRUE(read("[host.'https://a']\ncapabilities = ['Pull', 'resolve', 'push']\n")[0].can_pull);
  EXPECT_FALSE(read("[host.'https://a']\ncapabilities = ['pull']\n")[0].can_pull);
}

TEST(HostsFile, OfHttpWithTlsSettingsIsTriedBothWaysByContainerd2) {
  constexpr std::string_view kText = "[host.'http://a:5000']\nskip_verify = true\n";
  EXPECT_FALSE(read(kText, kOne)[0].tries_both);
  EXPECT_TRUE(read(kText, kTwo)[0].tries_both);
}

TEST(HostsFile, WithoutHostsIsNoneForContainerd1) {
  EXPECT_FALSE(read_hosts_file("server = 'http://a'\n", "/certs/h", kOne));
  EXPECT_EQ(read("server = 'http://a'\n", kTwo).size(), 1U);
}

TEST(HostsFile, ErrorNamesTheFile) {
  for (const char* text : {"[host.'https://a']\ncapabilities = ['fly']\n", "server = \n"}) {
    const auto endpoints = read_hosts_file(text, "/certs/h", kTwo);
    ASSERT_FALSE(endpoints) << text;
    EXPECT_THAT(endpoints.error().message, HasSubstr("/certs/h/hosts.toml: "));
  }
}

TEST(HostsFileOf, IsReadAgainAsTheSameEndpoint) {
  Endpoint plain;
  plain.is_secure = false;
  plain.host = "sealos.hub:5000";
  Endpoint secure;
  secure.host = "harbor.local";
  secure.ca = {"/etc/ssl/my \"own\" ca.pem"};
  secure.clients = {{"/etc/client.pem", "/etc/client.key"}};
  Endpoint unverified;
  unverified.host = "[fd00::1]:5000";
  unverified.skips_verification = true;
  for (const Endpoint& endpoint : {plain, secure, unverified}) {
    const auto endpoints = read(hosts_file_of(endpoint));
    EXPECT_EQ(endpoints.front(), endpoint) << hosts_file_of(endpoint);
    EXPECT_EQ(endpoints.back().url(), endpoint.url());
  }
}

}  // namespace
}  // namespace shim::runtimes
