#include "http/proxy.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdlib>

namespace shim::http {
namespace {

Url url(const char* text) {
  return Url::parse(text).value();
}

// Where a request goes with the given environment: the proxy's origin, `straight`, or the error.
std::string way(const ProxyEnvironment& environment, const char* to) {
  const auto proxy = proxy_for(environment, url(to));
  if (!proxy) return proxy.error().message;
  return *proxy ? (*proxy)->origin() : "straight";
}

ProxyEnvironment both() {
  return {.http = Secret("http://plain.test:3128"), .https = Secret("http://secure.test:3129"), .all = {}, .none = {}};
}

bool excepts(const char* list, const char* text) {
  return is_excepted(list, url(text));
}

TEST(Proxy, IsNoneInAnEmptyEnvironment) {
  EXPECT_EQ(way({}, "https://harbor.local/"), "straight");
}

TEST(Proxy, IsChosenByTheSchemeOfTheUrl) {
  EXPECT_EQ(way(both(), "http://sealos.hub:5000/"), "http://plain.test:3128");
  EXPECT_EQ(way(both(), "https://harbor.local/"), "http://secure.test:3129");
}

TEST(Proxy, OfAllStandsInForTheOneThatIsMissing) {
  ProxyEnvironment environment = both();
  environment.https = {};
  environment.all = Secret("socks5://socks.test");
  EXPECT_EQ(way(environment, "http://sealos.hub:5000/"), "http://plain.test:3128");
  EXPECT_EQ(way(environment, "https://harbor.local/"), "socks5h://socks.test:1080");
}

TEST(Proxy, IsNotUsedForThisMachine) {
  for (const char* to : {"http://localhost:5000/", "http://127.0.0.1/", "https://127.8.9.1/", "https://[::1]/",
                         "http://registry.localhost/"})
    EXPECT_EQ(way(both(), to), "straight") << to;
}

TEST(Proxy, IsUsedForANameThatOnlyLooksLikeThisMachine) {
  EXPECT_EQ(way(both(), "http://127.0.0.1.evil.test/"), "http://plain.test:3128");
  EXPECT_EQ(way(both(), "http://notlocalhost/"), "http://plain.test:3128");
}

TEST(Proxy, HasTheSchemesPortWhereItNamesNone) {
  for (const auto& [value, origin] : {std::pair{"proxy.test", "http://proxy.test:80"},
                                      {"proxy.test:3128", "http://proxy.test:3128"},
                                      {"HTTPS://Proxy.Test/", "https://proxy.test:443"},
                                      {"socks4://proxy.test", "socks4a://proxy.test:1080"},
                                      {"http://[fd00::1]:3128", "http://[fd00::1]:3128"}})
    EXPECT_EQ(way({.http = Secret(value), .https = {}, .all = {}, .none = {}}, "http://sealos.hub/"), origin);
}

TEST(Proxy, KeepsItsCredentialsApartAndDecoded) {
  const auto proxy =
      proxy_for({.http = Secret("http://us%40er:p%3Ass@proxy.test:3128"), .https = {}, .all = {}, .none = {}},
                url("http://sealos.hub/"));
  ASSERT_TRUE(proxy && *proxy);
  EXPECT_EQ((*proxy)->user->reveal(), "us@er");
  EXPECT_EQ((*proxy)->password->reveal(), "p:ss");
  EXPECT_EQ((*proxy)->origin(), "http://proxy.test:3128");
}

TEST(Proxy, ThatIsNoUrlIsAnErrorWithoutItsValue) {
  for (const char* value :
       {"http://user:secret@:3128", "ftp://user:secret@proxy.test", "http://user:secret@proxy.test:x",
        "http://user:secret@proxy.test:0", "user:sec ret@proxy.test"}) {
    EXPECT_EQ(way({.http = Secret(value), .https = {}, .all = {}, .none = {}}, "http://sealos.hub/"),
              "HTTP_PROXY in the environment is not the URL of a proxy (http://host:port)")
        << value;
  }
}

TEST(NoProxy, StarExceptsEveryHost) {
  ProxyEnvironment environment = both();
  environment.none = "*";
  EXPECT_EQ(way(environment, "https://harbor.local/"), "straight");
}

TEST(NoProxy, DomainExceptsItselfAndWhatIsBelow) {
  EXPECT_TRUE(excepts("harbor.local", "https://harbor.local/"));
  EXPECT_TRUE(excepts("Local", "https://Harbor.local/"));
  EXPECT_FALSE(excepts("arbor.local", "https://harbor.local/"));
  EXPECT_FALSE(excepts("harbor.local", "https://harbor.local.test/"));
}

TEST(NoProxy, LeadingDotExceptsOnlyWhatIsBelow) {
  for (const char* list : {".local", "*.local"}) {
    EXPECT_TRUE(excepts(list, "https://a.harbor.local/")) << list;
    EXPECT_FALSE(excepts(list, "https://local/")) << list;
  }
}

TEST(NoProxy, PortMustFitWhereOneIsGiven) {
  EXPECT_TRUE(excepts("harbor.local:8443", "https://harbor.local:8443/"));
  EXPECT_TRUE(excepts("harbor.local:443", "https://harbor.local/"));
  EXPECT_FALSE(excepts("harbor.local:8443", "https://harbor.local/"));
  EXPECT_TRUE(excepts("10.0.0.5:5000", "http://10.0.0.5:5000/"));
  EXPECT_FALSE(excepts("10.0.0.5:5000", "http://10.0.0.5/"));
  EXPECT_TRUE(excepts("[fd00::1]:80", "http://[fd00::1]/"));
}

TEST(NoProxy, AddressesAndNetworks) {
  EXPECT_TRUE(excepts("10.0.0.5", "http://10.0.0.5:5000/"));
  EXPECT_FALSE(excepts("10.0.0.5", "http://10.0.0.50/"));
  EXPECT_TRUE(excepts("10.0.0.7/8", "http://10.200.0.1/"));
  EXPECT_FALSE(excepts("10.0.0.0/8", "http://11.0.0.1/"));
  EXPECT_TRUE(excepts("fd00::/8", "http://[fd12::1]/"));
  EXPECT_FALSE(excepts("fd00::/8", "http://[fe80::1]/"));
  EXPECT_TRUE(excepts("fd00::1", "http://[fd00:0:0::1]/"));
  EXPECT_TRUE(excepts("0.0.0.0/0", "http://10.0.0.1/"));
}

TEST(NoProxy, NetworksSayNothingOfNamesNorDomainsOfAddresses) {
  EXPECT_FALSE(excepts("0.0.0.0/0", "http://harbor.local/"));
  EXPECT_FALSE(excepts("5", "http://10.0.0.5/"));
}

TEST(NoProxy, ListIsSeparatedByCommasAndSpaces) {
  for (const char* list : {"a.test,harbor.local", " a.test , harbor.local ", "a.test harbor.local", ",,harbor.local,"})
    EXPECT_TRUE(excepts(list, "https://harbor.local/")) << list;
  for (const char* list : {"", " ", ",", ":443", "[", "[]", "10.0.0.0/99"})
    EXPECT_FALSE(excepts(list, "https://harbor.local/")) << list;
}

class ProxyVariables : public testing::Test {
 protected:
  void SetUp() override {
    for (std::size_t i = 0; i < kNames.size(); ++i) {
      if (const char* value = std::getenv(kNames[i])) before_[i] = value;
      unsetenv(kNames[i]);
    }
  }
  void TearDown() override {
    for (std::size_t i = 0; i < kNames.size(); ++i) {
      if (before_[i])
        setenv(kNames[i], before_[i]->c_str(), 1);
      else
        unsetenv(kNames[i]);
    }
  }

  static constexpr std::array<const char*, 9> kNames{"http_proxy",  "HTTP_PROXY", "https_proxy",
                                                     "HTTPS_PROXY", "all_proxy",  "ALL_PROXY",
                                                     "no_proxy",    "NO_PROXY",   "REQUEST_METHOD"};
  std::array<std::optional<std::string>, 9> before_;
};

TEST_F(ProxyVariables, InUpperCaseWin) {
  for (const char* name : {"http_proxy", "https_proxy", "all_proxy", "no_proxy"}) setenv(name, "lower", 1);
  EXPECT_EQ(ProxyEnvironment::of_process().https.reveal(), "lower");
  for (const char* name : {"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"}) setenv(name, "upper", 1);
  const ProxyEnvironment environment = ProxyEnvironment::of_process();
  EXPECT_EQ(environment.http.reveal(), "upper");
  EXPECT_EQ(environment.https.reveal(), "upper");
  EXPECT_EQ(environment.all.reveal(), "upper");
  EXPECT_EQ(environment.none, "upper");
}

TEST_F(ProxyVariables, ThatAreEmptyAreNotSet) {
  setenv("HTTPS_PROXY", "", 1);
  setenv("https_proxy", "lower", 1);
  EXPECT_EQ(ProxyEnvironment::of_process().https.reveal(), "lower");
}

TEST_F(ProxyVariables, OfACgiProgramAreNotThePeers) {
  setenv("REQUEST_METHOD", "GET", 1);
  setenv("HTTP_PROXY", "http://evil.test", 1);
  EXPECT_TRUE(ProxyEnvironment::of_process().http.empty());
}

}  // namespace
}  // namespace shim::http
